// Bundles src/ into dist/ under names that carry a hash of their content; dist/manifest.json
// leads from the plain name to the hashed one.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { iconSprite } from "./build/icons.mjs";
import { mapOfEcuador } from "./build/map.mjs";

const here = import.meta.dirname;
const target = join(here, "dist");
const fresh = join(here, "dist.new");

const bundles = {
  entryPoints: ["app.css", "app.js", "charts.js", "segment.css", "segment.js", "theme.js"].map((name) => join(here, "src", name)),
  outdir: fresh,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome123", "firefox121", "safari17.5"],
  entryNames: "[name].[hash]",
  assetNames: "fonts/[name].[hash]",
  loader: { ".woff2": "file" },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
};

async function bundled() {
  const { metafile } = await build(bundles);
  return Object.entries(metafile.outputs)
    .filter(([, output]) => output.entryPoint)
    .map(([file, output]) => [basename(output.entryPoint), basename(file)]);
}

async function written(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  const hashed = name.replace(".", `.${hash}.`);
  await writeFile(join(fresh, hashed), content);
  return [name, hashed];
}

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });
const { sprite, names } = await iconSprite();
const files = Object.fromEntries([
  ...(await bundled()),
  await written("icons.svg", sprite),
  await written("ecuador.geo.json", await mapOfEcuador()),
  await written("favicon.svg", await readFile(join(here, "src", "favicon.svg"), "utf8")),
]);
await writeFile(join(fresh, "manifest.json"), JSON.stringify({ files, icons: names }, null, 1));
await rm(target, { recursive: true, force: true });
await rename(fresh, target);
