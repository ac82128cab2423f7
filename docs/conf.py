"""How Sphinx builds the documentation: ``sphinx-build -W -n -b html docs OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

# The checkout's own source, not an installed build: a compiled module has no signatures to show.
sys.path.insert(0, str(Path(__file__).parent.parent))

import sseparse

project = "sseparse"
author = "The sseparse developers"
copyright = "the sseparse developers"
version = release = sseparse.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["sseparse.css"]
html_title = f"sseparse {release}"
html_copy_source = False

# The button copies what a reader types: no prompts, no output, no tracebacks.
copybutton_exclude = ".linenos, .gp, .go, .gt"

# The documentation can be built without the engines.
autodoc_mock_imports = ["pyarrow", "pyspark"]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes in the class's own text, since members are not listed twice
python_use_unqualified_type_names = True

nitpicky = True
# Names that have no page here. There is no intersphinx, which needs the network.
nitpick_ignore_regex = [
    (
        "py:class",
        r"ApiKey|BinaryFile|OnRetry|Query|_T|Kind|Reason|SearchStrategy|Terminator|datetime\..*|mmap"
        r"|os\.PathLike|pyarrow\..*|ssl\.SSLContext|.*\.HasItems|collections\.abc\..*",
    ),
    ("py:exc", r"json\.JSONDecodeError"),
]
