// The points of the map, painted with WebGL in one call, however many they are: to filter, fade or
// move them costs no more than to paint them. Plotly's own scatter takes 50 ms of calculation for
// each change of 10,000 opacities, 200 ms for 70,000.

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

class Points {
  constructor(canvas) {
    this.canvas = canvas;
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.start();
      this.draw();
    });
  }

  // `found`: positions x0 y0 x1 y1 ..., labels; `colours`: "#rrggbb" by label.
  load({ positions, labels }, colours) {
    Object.assign(this, { positions, labels, colours, weights: null });
    this.discard?.();
    this.start();
  }

  start() {
    const gl = this.canvas.getContext("webgl", { antialias: false });
    if (!gl) throw new Error("this browser offers no WebGL");
    this.gl = gl;
    const program = gl.createProgram();
    const buffers = [];
    this.discard = () => {
      for (const buffer of buffers) gl.deleteBuffer(buffer);
      gl.deleteProgram(program);
    };
    const parts = [
      [gl.VERTEX_SHADER, VERTEX.replace("COUNT", this.colours.length)],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ];
    for (const [kind, source] of parts) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = (name) => gl.getUniformLocation(program, name);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const attribute = (name, content, size, type, share) => {
      const place = gl.getAttribLocation(program, name);
      buffers.push(gl.createBuffer());
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers.at(-1));
      gl.bufferData(gl.ARRAY_BUFFER, content, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, type, share, 0, 0);
    };
    attribute("position", this.positions, 2, gl.FLOAT, false);
    attribute("label", this.labels, 1, gl.UNSIGNED_BYTE, false);
    attribute("weight", this.weights ?? everyOne(this.labels), 1, gl.UNSIGNED_BYTE, true); // bound last
  }

  // How strongly each point is painted, 0 to 255; null: all alike.
  weigh(weights) {
    this.weights = weights;
    if (!this.gl) return;
    const content = weights ?? everyOne(this.labels);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, content, this.gl.STATIC_DRAW);
    this.draw();
  }

  // `look`: across, up (axes as `LatentMap.axis` has them), hidden (a set of labels), diameter in
  // px, opacity, dark (the ground, on which two of the colours need a lighter rim, and the faintest
  // points more strength). Without one, as last painted.
  draw(look = this.look) {
    this.look = look;
    const { gl } = this;
    if (!gl || !look || gl.isContextLost()) return;
    const { across, up, hidden, diameter, opacity, dark } = look;
    const dense = window.devicePixelRatio || 1;
    const [width, height] = [across.length, up.length].map((length) => Math.round(length * dense));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const [wide, high] = [across.high - across.low, up.high - up.low];
    gl.uniform2f(this.at("scale"), 2 / wide, 2 / high);
    gl.uniform2f(this.at("shift"), -1 - (2 * across.low) / wide, -1 - (2 * up.low) / high);
    gl.uniform1f(this.at("diameter"), diameter * dense);
    gl.uniform1f(this.at("least"), dark ? 0.1 : 0);
    gl.uniform1f(this.at("rim"), dark ? 0.3 : 0);
    const paint = this.colours.flatMap((colour, label) => {
      const alpha = hidden.has(label) ? 0 : opacity;
      const channels = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16) / 255);
      return [...channels.map((channel) => channel * alpha), alpha];
    });
    gl.uniform4fv(this.at("colours"), paint);
    gl.drawArrays(gl.POINTS, 0, this.labels.length);
  }

  // The nearest shown point within `reach` px: a scan of 70,000 points takes half a millisecond.
  nearest({ across, up, hidden }, left, top, reach) {
    const scaleX = across.length / (across.high - across.low);
    const scaleY = up.length / (up.high - up.low);
    let best = reach * reach;
    let found = null;
    for (let index = 0; index < this.labels.length; index += 1) {
      const dx = (this.positions[2 * index] - across.low) * scaleX - left;
      const dy = (up.high - this.positions[2 * index + 1]) * scaleY - top;
      const distance = dx * dx + dy * dy;
      if (distance <= best && !hidden.has(this.labels[index])) [best, found] = [distance, index];
    }
    return found;
  }

  spot(index) {
    return this.positions.subarray(2 * index, 2 * index + 2);
  }

  destroy() {
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext(); // a browser keeps few of them
  }
}

const everyOne = (labels) => new Uint8Array(labels.length).fill(255);
