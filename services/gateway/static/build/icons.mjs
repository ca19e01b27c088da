// One SVG sprite of the icons that src/icons.txt names, from Tabler's outline set.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const outline = join(root, "node_modules", "@tabler", "icons", "icons", "outline");

async function symbol(name) {
  const svg = await readFile(join(outline, `${name}.svg`), "utf8").catch(() => {
    throw new Error(`src/icons.txt: there is no Tabler icon “${name}”`);
  });
  const shapes = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"));
  const paint = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
}

export async function iconSprite() {
  const names = (await readFile(join(root, "src", "icons.txt"), "utf8")).split(/\s+/).filter(Boolean);
  const symbols = await Promise.all(names.map(symbol));
  return { names, sprite: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>` };
}
