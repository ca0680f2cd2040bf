// Ambient declarations: style sheets as modules (made by bundle.py), and the global Plotly.

declare module "*.css.js" {
  const style: string;
  export default style;
}

interface Window {
  Plotly: any;
}
