// Tells the page around the frame how high the form is, so that nothing is cut off. The height is no secret, but it is
// told to nobody else than the page that the script in it named.
(() => {
  if (parent === window) return;
  let host = "*";
  try {
    host = new URL(new URLSearchParams(location.search).get("page")).origin;
  } catch {
    // A frame that was put there by hand does not say where it stands.
  }
  const tell = () => parent.postMessage({ broadsheetHeight: document.body.offsetHeight }, host);
  new ResizeObserver(tell).observe(document.body);
  tell();
})();
