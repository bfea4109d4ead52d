// Builds dist/ from src/, the same bytes each time; with the word `test`, the unit tests.
import { build } from "esbuild";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

const here = new URL(".", import.meta.url);
const options = {
  absWorkingDir: here.pathname,
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

if (process.argv[2] === "test") {
  const names = (await readdir(new URL("test/", here))).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...options,
    entryPoints: names.map((name) => `test/${name}`),
    outdir: ".built-tests",
    outExtension: { ".js": ".mjs" },
    platform: "node",
  });
} else {
  const dist = new URL("dist/", here);
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist);
  const done = await build({
    ...options,
    entryPoints: {
      studio: "src/main.tsx",
      engraver: "src/score/engraver.ts",
      styles: "src/styles/index.css",
    },
    outdir: "dist",
    minify: true,
    external: ["node:*", "fs", "path", "module", "url"],
    metafile: true,
  });
  for (const name of ["index.html", "icon.svg"]) {
    await cp(new URL(`src/${name}`, here), new URL(name, dist));
  }
  await writeFile(new URL("LICENCES.txt", dist), await licences(done.metafile));
}

/** The texts of a licence that a package names and does not bring. */
function standing(license) {
  if (!license.startsWith("LGPL-3.0")) throw new Error(`the text of ${license} is missing in licences/`);
  return ["LGPL-3.0.txt", "GPL-3.0.txt"].map((name) => new URL(`licences/${name}`, here));
}

/** The licence of each package of which something is in the bundle. */
async function licences(metafile) {
  const packages = new Set();
  for (const path of Object.keys(metafile.inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found) packages.add(found[1]);
  }
  const texts = [];
  for (const name of [...packages].sort()) {
    const folder = new URL(`node_modules/${name}/`, here);
    const card = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying)/i.test(file));
    const own = files.sort().map((file) => new URL(file, folder));
    const told = await Promise.all((own.length ? own : standing(card.license)).map((file) => readFile(file, "utf8")));
    const source = card.homepage ?? card.repository?.url ?? "";
    texts.push([`${card.name} ${card.version}, ${card.license}`, source, ...told].join("\n\n"));
  }
  return `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
