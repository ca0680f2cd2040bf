// The points of the map, painted with WebGL in one draw call; filtering, fading and moving them take
// no longer than painting. (Plotly's scatter takes 50 ms when 10,000 opacities change.)

const VERTEX = `
  attribute vec2 position;
  attribute float label;
  attribute float weight;
  uniform vec2 scale;
  uniform vec2 shift;
  uniform float diameter;
  uniform float least;
  uniform vec4 colours[COUNT];
  varying vec4 colour;
  varying float size;
  void main() {
    size = diameter;
    colour = colours[int(label)] * mix(least, 1.0, weight);
    bool hidden = colours[int(label)].a == 0.0;
    gl_Position = hidden ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(position * scale + shift, 0.0, 1.0);
    gl_PointSize = diameter + 1.0;
  }`;
const FRAGMENT = `
  precision mediump float;
  varying vec4 colour;
  varying float size;
  uniform float rim;
  void main() {
    float away = length(gl_PointCoord - 0.5) * (size + 1.0);
    float edge = rim * clamp(away - 0.25 * size, 0.0, 1.0);
    vec4 light = vec4(mix(colour.rgb, vec3(colour.a), edge), colour.a);
    gl_FragColor = light * clamp(0.5 * size - away + 0.5, 0.0, 1.0);
  }`;

/**
 * @typedef {{ positions: Float32Array<ArrayBuffer>, labels: Uint8Array<ArrayBuffer> }} PointData x0 y0 x1 y1 ...; the class of each point
 * @typedef {import("./map_axes.js").Axes & {
 *   hidden: Set<number>, diameter: number, opacity: number, dark: boolean,
 * }} Look hidden classes; diameter in px; whether the background is dark, on which two of the colours
 *   need a lighter rim and the faintest points a higher opacity
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
 * @param {number} colours
 */
function link(gl, colours) {
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX.replace("COUNT", String(colours))));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`this browser's WebGL did not link the shaders (${gl.getProgramInfoLog(program)})`);
  }
  return program;
}

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
    /** @type {WebGLBuffer[]} */
    this.buffers = [];
    /** @type {PointData} */
    this.data = { positions: new Float32Array(), labels: new Uint8Array() };
    /** @type {string[]} */
    this.colours = [];
    /** @type {Uint8Array<ArrayBuffer> | null} */
    this.weights = null;
    /** @type {Look | undefined} */
    this.look = undefined;
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // else it is not restored
      onContext(new Error("the browser has lost its graphics context"));
    }, { signal });
    canvas.addEventListener("webglcontextrestored", () => {
      this.buffers = [];
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

  /** @param {PointData} data @param {string[]} colours "#rrggbb" by class */
  load(data, colours) {
    Object.assign(this, { data, colours, weights: null });
    this.start();
  }

  /** Throws an Error where the browser cannot paint the points. */
  start() {
    const gl = (this.gl ??= this.canvas.getContext("webgl", { antialias: false }));
    if (!gl) throw new Error("this browser offers no WebGL");
    for (const buffer of this.buffers) gl.deleteBuffer(buffer);
    if (this.program) gl.deleteProgram(this.program);
    this.buffers = [];
    this.program = null; // nothing is painted unless the next one links
    this.program = link(gl, this.colours.length);
    if (gl.isContextLost()) return;
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.addAttribute("position", this.data.positions, 2, gl.FLOAT, false);
    this.addAttribute("label", this.data.labels, 1, gl.UNSIGNED_BYTE, false);
    this.addAttribute("weight", this.weightBytes, 1, gl.UNSIGNED_BYTE, true); // remains bound
  }

  /**
   * @param {string} name
   * @param {BufferSource} content
   * @param {number} size
   * @param {number} type
   * @param {boolean} normalized
   */
  addAttribute(name, content, size, type, normalized) {
    const { gl, program } = this;
    if (!gl || !program) return;
    const location = gl.getAttribLocation(program, name);
    const buffer = gl.createBuffer();
    this.buffers.push(buffer);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, content, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, type, normalized, 0, 0);
  }

  get weightBytes() {
    return this.weights ?? new Uint8Array(this.data.labels.length).fill(255);
  }

  /** @param {Uint8Array<ArrayBuffer> | null} weights opacity of each point, 0 to 255; null: all 255 */
  setWeights(weights) {
    this.weights = weights;
    if (!this.gl) return;
    this.gl.bufferData(this.gl.ARRAY_BUFFER, this.weightBytes, this.gl.STATIC_DRAW);
    this.draw();
  }

  /** @param {Look} [look] by default the one of the last call */
  draw(look = this.look) {
    this.look = look;
    const { gl, program } = this;
    if (!gl || !program || !look || gl.isContextLost()) return;
    const { across, up, diameter, dark } = look;
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
    gl.uniform1f(uniform("rim"), dark ? 0.3 : 0);
    gl.uniform4fv(uniform("colours"), this.premultiplied(look));
    gl.drawArrays(gl.POINTS, 0, this.data.labels.length);
  }

  /** The colours with their opacity, 0 for hidden classes. @param {Look} look */
  premultiplied({ hidden, opacity }) {
    return this.colours.flatMap((colour, label) => {
      const alpha = hidden.has(label) ? 0 : opacity;
      const channels = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16) / 255);
      return [...channels.map((channel) => channel * alpha), alpha];
    });
  }

  /** The coordinates of a point, in units. @param {number} index @returns {import("./map_axes.js").Point} */
  place(index) {
    const { positions } = this.data;
    return [positions[2 * index], positions[2 * index + 1]];
  }
}
