// Runs before the first paint, so that a chosen theme never flashes the other one.
// A file of its own because the pages allow no inline script.
(() => {
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    // Storage is forbidden in this browser: the page follows the system.
  }
})();
