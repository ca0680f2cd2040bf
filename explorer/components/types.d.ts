// The messages between Python, the browser components and the live channel.

/** Sends a state of a component to Python. */
export type Send = (state: string, value: object) => void;

/** The argument that Streamlit passes to a component. The data is in a list: see registration.py. */
export interface StreamlitComponent<Data> {
  parentElement: HTMLElement | ShadowRoot;
  data: [Data];
  setStateValue: Send;
}

/** One mounted component. */
export interface Instance<Data> {
  update(data: Data, send: Send): void | Promise<void>;
}

/** The part of WebSocket that the live channel uses. */
export interface Socket {
  readonly readyState: number;
  send(text: string): void;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
}

/** The control that moved the code. */
export type Mover = "sliders" | "map";

/** A request to the live channel: decode a code, a point of the map, or a test sample. */
export interface DecodeRequest {
  by: Mover;
  model: string | undefined;
  z: number[];
  view: unknown;
  xy?: [number, number];
  sample?: number;
}

/** A decoded code, by the live channel or by a run of the script. */
export interface Decoded {
  by: Mover | "script";
  model: string;
  z: number[];
  cursor: [number, number];
  sample: number | null;
  /** serial of the newest drag of the map that the code includes */
  answered?: number | null;
}

/** A reply of the live channel; it also has the fields of a picture. */
export type LiveReply = (Decoded & { serial: number }) | { serial: number | null; error: string };

/** The measured connection: maximum of requests in flight, shortest and mean round trip (ms). */
export interface Pace {
  window: number;
  least: number;
  roundTrip: number | null;
}

/** The traversals of a model: a CSS image of one row for each of `dims`, `steps` tiles wide. `aspect` is
    the width of a tile over its height. */
export interface Strips {
  model: string;
  sheet: string;
  dims: number[];
  steps: number;
  aspect: number;
}

/** The part of a picture that the kind of the sample determines. */
export interface ImageView {
  pixels: string; // base64 of uint8 [height, width, channels]
  size: [height: number, width: number, channels: number];
}

export interface Picture extends ImageView {
  code: number[];
  caption: string;
  note: string;
  title: string;
  shares: number[]; // by class, as names and colours
  names: string[];
  colours: string[];
  distance: number;
  decode_ms: number | null;
  hit_rate: number;
}

export interface DecodedViewData extends Picture {
  model: string;
  device: string;
  view: unknown;
  live: string;
  revision: number;
  cursor: [number, number];
  sample: number | null;
  answered: number | null;
}

export interface SlidersData {
  names: string[];
  values: number[];
  revision: number;
  ranges: [low: number, high: number][]; // of each value
  step: number;
  noun: string;
  notes: string[];
  weights: number[];
  max_height: number | null;
  farthest: number;
  live: string;
  model: string | null;
  dims: number[];
  ack: number | null;
}

export interface TraversalsData {
  sheet: string;
  steps: number;
  names: string[]; // of the rows
  dims: number[]; // that each row varies
  values: number[];
  ranges: [low: number, high: number][]; // of each of `dims`
  aspect: number; // the width of a tile over its height
  choice: number[]; // the dimension of each row's value in a categorical block; [] without one
  row: number | null; // of the current code's value in it
  column: string; // the name of the dimension that all rows vary; "" where each varies its own
  model: string;
  ack: number | null;
}

export interface SampleSheetData {
  sheet: string;
  tile: [width: number, height: number]; // px on the page
  rows: number;
  columns: number;
  names: string[];
}

export interface DrawingData {
  noun: string; // what is drawn
  size: number;
  pen: number;
  clear_revision: number;
  strokes: [number, number][][];
  ack: number | null;
}

/** Centre x, centre y, two semi-axes at one deviation, angle of the first (radians). */
export type Ellipse = [number, number, number, number, number];

export interface MapData {
  points: string;
  plotly: string;
  count: number;
  range: [number, number, number, number];
  cursor: [number, number];
  axes: [string, string];
  colours: string[]; // by class, or fewer, which the classes have that the visitor chooses
  classes: { label: number; name: string; title: string; phrase: string }[];
  columns: { name: string; unit: string; help: string; url: string }[]; // float32, a value a point
  names: string | null; // the URL of the points' names as JSON
  height: number;
  selected: number | null;
  weights: string | null;
  backdrop: { url: string; range: [number, number, number, number] } | null;
  backdrop_label: string | null;
  backdrop_on: boolean;
  outline: [number, number][] | null;
  ellipse: Ellipse | null;
  noun: string; // before the number of a point
  nouns: string; // what the points are
  sheets: [label: string, urls: string[]][];
  tile: [width: number, height: number]; // px of a tile on the page
  sheet_size: { columns: number; tiles: number };
  label: string;
  draggable: boolean;
  live: string;
  model: string | null;
  selectable: boolean;
  ack: number | null;
  drag_ack: number | null;
}
