// What Python has published: its address, its content.

// Streamlit's own script tag tells where the app's root is, whatever the path prefix.
function absolute(url) {
  const main = document.querySelector('script[src*="/static/js/"]').src;
  return main.slice(0, main.lastIndexOf("/static/js/") + 1) + url;
}

async function fetchBytes(url, words) {
  const response = await fetch(absolute(url));
  if (!response.ok) throw new Error(`${words} did not load (${response.status})`);
  return response.arrayBuffer();
}
