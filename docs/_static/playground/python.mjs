// Loads Pyodide, the wheel of sseparse and playground.py.

// config.json, which make_playground.py writes, has the address of Pyodide, the digest of each of its
// files, and the name of the wheel. Returns a function: the bytes and the cuts to the results.
export async function load({ pyodide: address, files, wheel }) {
  const base = new URL(address, import.meta.url).href;
  const { loadPyodide } = await importChecked("pyodide.mjs");
  const createPyodideModule = (await importChecked("pyodide.asm.mjs")).default;
  const python = await withDigests(() => loadPyodide({ indexURL: base, createPyodideModule }));

  const [package_, program] = await Promise.all(
    [wheel, "playground.py"].map((name) => read(new URL(name, import.meta.url))),
  );
  python.unpackArchive(await package_.arrayBuffer(), "wheel");
  python.FS.writeFile("playground.py", await program.text());
  const run = python.runPython(`
import json
import playground

def run(stream, cuts):
    return json.dumps(playground.run(stream.to_bytes(), json.loads(cuts)))

run
`);
  return (bytes, cuts) => JSON.parse(run(bytes, JSON.stringify(cuts)));

  // The browser compares the file with its digest. A module that is imported by its address is not
  // compared in every browser, so it is imported from what was read.
  async function importChecked(name) {
    const source = await read(base + name, { integrity: files[name] });
    const blob = new Blob([await source.text()], { type: "text/javascript" });
    const copy = URL.createObjectURL(blob);
    try {
      return await import(copy);
    } finally {
      URL.revokeObjectURL(copy);
    }
  }

  // Pyodide itself fetches the files that are left. It has no option for their digests, and would wait
  // forever for some of them if they could not be fetched.
  async function withDigests(call) {
    const plain = globalThis.fetch;
    let fail;
    const failed = new Promise((_, reject) => (fail = reject));
    globalThis.fetch = (url, options) => {
      const response = plain(url, { ...options, integrity: files[String(url).slice(base.length)] });
      response.catch(fail);
      return response;
    };
    try {
      return await Promise.race([call(), failed]);
    } finally {
      globalThis.fetch = plain;
    }
  }
}

async function read(address, options) {
  const response = await fetch(address, options);
  if (!response.ok) throw new Error(`${response.status} for ${address}`);
  return response;
}
