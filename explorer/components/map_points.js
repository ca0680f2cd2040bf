// The points of the map, painted with WebGL in one draw call, two where some are behind the others;
// moving them takes no longer than painting, and another colour of each a few milliseconds more.
// (Plotly's scatter takes 50 ms when 10,000 opacities change.)

import { BEHIND, HIDDEN, hasBehind } from "./map_paint.js";

const VERTEX = `
  attribute vec2 position;
  attribute vec4 paint;
  attribute float weight;
  uniform vec2 scale;
  uniform vec2 shift;
  uniform float diameter;
  uniform float opacity;
  uniform float least;
  uniform float behind;
  varying vec4 colour;
  varying float size;
  varying float glyph;
  void main() {
    size = diameter;
    float kind = floor(255.0 * paint.a + 0.5);
    bool isBehind = kind == BEHIND;
    glyph = isBehind ? 0.0 : kind;
    float strength = opacity * (isBehind ? 0.5 : 1.0);
    colour = vec4(paint.rgb, 1.0) * strength * mix(least, 1.0, weight);
    bool shown = kind != HIDDEN && isBehind == (behind == 1.0);
    gl_Position = shown ? vec4(position * scale + shift, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = diameter + 1.0;
  }`;
// The distance of a pixel to the edge of the glyph, in px, positive within.
const FRAGMENT = `
  precision mediump float;
  varying vec4 colour;
  varying float size;
  varying float glyph;
  uniform float rim;
  void main() {
    vec2 place = (gl_PointCoord - 0.5) * (size + 1.0);
    float inside = 0.5 * size - length(place);
    if (glyph > 1.5) {
      vec2 turned = abs(vec2(place.x + place.y, place.x - place.y)) * 0.7071;
      inside = min(0.15 * size - min(turned.x, turned.y), 0.55 * size - max(turned.x, turned.y));
    } else if (glyph > 0.5) {
      float side = 0.87 * abs(place.x) - 0.5 * place.y;
      inside = 0.27 * size - max(side, place.y - 0.1 * size);
    }
    float edge = rim * clamp(0.25 * size - inside, 0.0, 1.0);
    vec4 light = vec4(mix(colour.rgb, vec3(colour.a), edge), colour.a);
    gl_FragColor = light * clamp(inside + 0.5, 0.0, 1.0);
  }`;

/**
 * @typedef {{ positions: Float32Array<ArrayBuffer>, labels: Uint16Array<ArrayBuffer> }} PointData x0 y0 x1 y1 ...; the class of each point
 * @typedef {import("./map_axes.js").Axes & { diameter: number, opacity: number, dark: boolean, rim: boolean }} Look
 *   diameter in px; whether the background is dark, on which the faintest points need a higher opacity;
 *   whether the points have a lighter rim, which two of the classes' colours need there
 */

/**
 * @param {WebGLRenderingContext} gl
 * @param {number} kind
 * @param {string} source
 */
function compile(gl, kind, source) {
  const shader = gl.createShader(kind);
  if (!shader) throw new Error("this browser's WebGL offers no shaders");
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(`this browser's WebGL did not compile a shader (${gl.getShaderInfoLog(shader)})`);
  }
  return shader;
}

/**
 * A program of the two shaders. Throws an Error where they do not compile or link. The status of a
 * lost context is ignored, because the context is restored later.
 * @param {WebGLRenderingContext} gl
 */
function link(gl) {
  const program = gl.createProgram();
  const vertex = VERTEX.replace("BEHIND", `${BEHIND}.0`).replace("HIDDEN", `${HIDDEN}.0`);
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, vertex));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`this browser's WebGL did not link the shaders (${gl.getProgramInfoLog(program)})`);
  }
  return program;
}

/** Values of `behind` for which the points are painted. @param {import("./map_paint.js").Paint} paint */
const layersOf = (paint) => (hasBehind(paint) ? [1, 0] : [0]);

export class Points {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {AbortSignal} signal
   * @param {(error: Error | null) => void} onContext called with an error when the context is lost,
   *   with null when the points are painted again
   */
  constructor(canvas, signal, onContext) {
    this.canvas = canvas;
    /** @type {WebGLRenderingContext | null} */
    this.gl = null;
    /** @type {WebGLProgram | null} */
    this.program = null;
    /** @type {Record<string, WebGLBuffer>} */
    this.buffers = {};
    /** @type {PointData} */
    this.data = { positions: new Float32Array(), labels: new Uint16Array() };
    this.paint = /** @type {import("./map_paint.js").Paint} */ (new Uint8Array());
    this.layers = [0];
    /** @type {Uint8Array<ArrayBuffer> | null} */
    this.weights = null;
    /** @type {Look | undefined} */
    this.look = undefined;
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // else it is not restored
      onContext(new Error("the browser has lost its graphics context"));
    }, { signal });
    canvas.addEventListener("webglcontextrestored", () => {
      this.buffers = {};
      this.program = null;
      try {
        this.start();
        this.draw();
        onContext(null);
      } catch (error) {
        onContext(/** @type {Error} */ (error));
      }
    }, { signal });
    signal.addEventListener("abort", () => {
      this.gl?.getExtension("WEBGL_lose_context")?.loseContext(); // a browser keeps few contexts
    });
  }

  /** @param {PointData} data @param {import("./map_paint.js").Paint} paint */
  load(data, paint) {
    Object.assign(this, { data, paint, weights: null, layers: layersOf(paint) });
    this.start();
  }

  /** Throws an Error where the browser cannot paint the points. */
  start() {
    const gl = (this.gl ??= this.canvas.getContext("webgl", { antialias: false }));
    if (!gl) throw new Error("this browser offers no WebGL");
    for (const buffer of Object.values(this.buffers)) gl.deleteBuffer(buffer);
    if (this.program) gl.deleteProgram(this.program);
    this.buffers = {};
    this.program = null; // nothing is painted unless the next one links
    this.program = link(gl);
    if (gl.isContextLost()) return;
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.setAttribute("position", this.data.positions, 2, gl.FLOAT, false);
    this.setAttribute("paint", this.paint, 4, gl.UNSIGNED_BYTE, true);
    this.setAttribute("weight", this.weightBytes, 1, gl.UNSIGNED_BYTE, true);
  }

  /**
   * @param {string} name
   * @param {BufferSource} content
   * @param {number} size
   * @param {number} type
   * @param {boolean} normalized
   */
  setAttribute(name, content, size, type, normalized) {
    const { gl, program } = this;
    if (!gl || !program) return;
    const location = gl.getAttribLocation(program, name);
    this.buffers[name] = gl.createBuffer();
    this.fill(name, content);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, type, normalized, 0, 0);
  }

  /** Replace the content of a buffer. @param {string} name @param {BufferSource} content */
  fill(name, content) {
    const { gl, buffers } = this;
    if (!gl || !(name in buffers)) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, content, gl.STATIC_DRAW);
  }

  get weightBytes() {
    return this.weights ?? new Uint8Array(this.data.labels.length).fill(255);
  }

  /** @param {Uint8Array<ArrayBuffer> | null} weights opacity of each point, 0 to 255; null: all 255 */
  setWeights(weights) {
    this.weights = weights;
    this.fill("weight", this.weightBytes);
    this.draw();
  }

  /** @param {import("./map_paint.js").Paint} paint */
  setPaint(paint) {
    Object.assign(this, { paint, layers: layersOf(paint) });
    this.fill("paint", paint);
    this.draw();
  }

  /** @param {Look} [look] by default the one of the last call */
  draw(look = this.look) {
    this.look = look;
    const { gl, program } = this;
    if (!gl || !program || !look || gl.isContextLost()) return;
    const { across, up, diameter, opacity, dark, rim } = look;
    const density = window.devicePixelRatio || 1;
    const [width, height] = [across.length, up.length].map((length) => Math.round(length * density));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const uniform = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
    const [wide, high] = [across.high - across.low, up.high - up.low];
    gl.uniform2f(uniform("scale"), 2 / wide, 2 / high);
    gl.uniform2f(uniform("shift"), -1 - (2 * across.low) / wide, -1 - (2 * up.low) / high);
    gl.uniform1f(uniform("diameter"), diameter * density);
    gl.uniform1f(uniform("least"), dark ? 0.1 : 0);
    gl.uniform1f(uniform("opacity"), opacity);
    gl.uniform1f(uniform("rim"), rim ? 0.3 : 0);
    for (const behind of this.layers) {
      gl.uniform1f(uniform("behind"), behind);
      gl.drawArrays(gl.POINTS, 0, this.data.labels.length);
    }
  }

  /** The colour of a point, "rgb(...)". @param {number} index */
  colour(index) {
    return `rgb(${this.paint.slice(4 * index, 4 * index + 3).join(" ")})`;
  }

  /** The coordinates of a point, in units. @param {number} index @returns {import("./map_axes.js").Point} */
  place(index) {
    const { positions } = this.data;
    return [positions[2 * index], positions[2 * index + 1]];
  }
}
