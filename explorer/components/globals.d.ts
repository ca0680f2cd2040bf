// What exists without an import: styles as modules (made by bundle.py), and Plotly once it is loaded.

declare module "*.css.js" {
  const style: string;
  export default style;
}

interface Window {
  Plotly: any;
}
