/* The simplest stream, parsed in C written by hand: for comparison, not a parser.

It parses blocks of one line that begins with "data: " and ends with LF. It raises
NotImplementedError for everything else that a stream may contain: CR, a second data line, another
field, a comment, a byte order mark. So its events are right wherever it has a time. It has no limit,
and no state to connect again with. It does only what every parser must do: search each byte for CR
and LF, keep an unfinished line, decode the value, and make an event with three attributes. The time
that a parser takes above that is the price of the standard, and of a language other than C.
*/

#include <Python.h>
#include <stddef.h>
#include <string.h>
#include <structmember.h>

#define FIELD "data: "
#define FIELD_SIZE ((Py_ssize_t)sizeof(FIELD) - 1)

#if defined(__clang__)
#define COMPILER "Clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "GCC " __VERSION__
#else
#define COMPILER "another compiler"
#endif

/* Made once: these values are the same for all events. */
static PyObject *message;
static PyObject *no_id;

typedef struct {
    PyObject_HEAD
    PyObject *type;
    PyObject *data;
    PyObject *last_event_id;
} Event;

static void
event_dealloc(Event *self)
{
    Py_XDECREF(self->type);
    Py_XDECREF(self->data);
    Py_XDECREF(self->last_event_id);
    PyObject_Free(self);
}

static PyMemberDef event_members[] = {
    {"type", T_OBJECT_EX, offsetof(Event, type), READONLY, NULL},
    {"data", T_OBJECT_EX, offsetof(Event, data), READONLY, NULL},
    {"last_event_id", T_OBJECT_EX, offsetof(Event, last_event_id), READONLY, NULL},
    {NULL},
};

/* Not tracked by the garbage collector: it holds strings only, which form no cycle. */
static PyTypeObject EventType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "by_hand.Event",
    .tp_basicsize = sizeof(Event),
    .tp_dealloc = (destructor)event_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_members = event_members,
};

typedef struct {
    PyObject_HEAD
    /* The value of the block's data line. Set by the line, cleared by the blank line. */
    PyObject *data;
    /* The beginning of a line whose end has not arrived. Python's allocator makes it, so that
       tracemalloc counts it. */
    char *held;
    Py_ssize_t held_size;
    Py_ssize_t held_room;
} Parser;

static void
parser_dealloc(Parser *self)
{
    Py_XDECREF(self->data);
    PyMem_Free(self->held);
    PyObject_Free(self);
}

static int
hold(Parser *self, const char *bytes, Py_ssize_t size)
{
    if (size > self->held_room - self->held_size) {
        /* Twice the size that is needed, so that a long line is not copied for each chunk. */
        Py_ssize_t room = 2 * (self->held_size + size);
        char *held = PyMem_Realloc(self->held, room);
        if (held == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->held = held;
        self->held_room = room;
    }
    memcpy(self->held + self->held_size, bytes, size);
    self->held_size += size;
    return 0;
}

static int
dispatch(Parser *self, PyObject *events)
{
    Event *event;
    int failed;

    if (self->data == NULL) {
        return 0;
    }
    event = PyObject_New(Event, &EventType);
    if (event == NULL) {
        return -1;
    }
    event->type = Py_NewRef(message);
    event->data = self->data;
    event->last_event_id = Py_NewRef(no_id);
    self->data = NULL;
    failed = PyList_Append(events, (PyObject *)event);
    Py_DECREF(event);
    return failed;
}

static int
take_line(Parser *self, const char *line, Py_ssize_t size, PyObject *events)
{
    if (size == 0) {
        return dispatch(self, events);
    }
    if (self->data != NULL || size < FIELD_SIZE || memcmp(line, FIELD, FIELD_SIZE) != 0) {
        PyErr_SetString(PyExc_NotImplementedError, "only blocks of one data line");
        return -1;
    }
    self->data = PyUnicode_DecodeUTF8(line + FIELD_SIZE, size - FIELD_SIZE, "replace");
    return self->data == NULL ? -1 : 0;
}

static int
take_chunk(Parser *self, const char *next, const char *end, PyObject *events)
{
    const char *line_end;
    int failed;

    if (memchr(next, '\r', end - next) != NULL) {
        PyErr_SetString(PyExc_NotImplementedError, "only lines that LF ends");
        return -1;
    }
    while (next < end && (line_end = memchr(next, '\n', end - next)) != NULL) {
        if (self->held_size == 0) {
            failed = take_line(self, next, line_end - next, events);
        }
        else {
            failed = hold(self, next, line_end - next);
            if (!failed) {
                failed = take_line(self, self->held, self->held_size, events);
                self->held_size = 0;
            }
        }
        if (failed) {
            return -1;
        }
        next = line_end + 1;
    }
    return next < end ? hold(self, next, end - next) : 0;
}

static PyObject *
parser_feed(Parser *self, PyObject *chunk)
{
    PyObject *events;
    const char *bytes;

    if (!PyBytes_Check(chunk)) {
        PyErr_SetString(PyExc_TypeError, "a chunk is bytes");
        return NULL;
    }
    events = PyList_New(0);
    if (events == NULL) {
        return NULL;
    }
    bytes = PyBytes_AS_STRING(chunk);
    if (take_chunk(self, bytes, bytes + PyBytes_GET_SIZE(chunk), events) < 0) {
        Py_DECREF(events);
        return NULL;
    }
    return events;
}

static PyMethodDef parser_methods[] = {
    {"feed", (PyCFunction)parser_feed, METH_O, "Return the events that the chunk completes."},
    {NULL},
};

static PyTypeObject ParserType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "by_hand.Parser",
    .tp_basicsize = sizeof(Parser),
    .tp_dealloc = (destructor)parser_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = parser_methods,
    .tp_new = PyType_GenericNew,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "by_hand",
    .m_size = -1,
};

PyMODINIT_FUNC
PyInit_by_hand(void)
{
    PyObject *module = PyModule_Create(&definition);

    if (module == NULL) {
        return NULL;
    }
    message = PyUnicode_InternFromString("message");
    no_id = PyUnicode_FromString("");
    if (message == NULL || no_id == NULL || PyType_Ready(&EventType) < 0
        || PyModule_AddType(module, &ParserType) < 0
        || PyModule_AddStringConstant(module, "COMPILER", COMPILER) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
