// What the browser tests ask of a page in which JupyterLab shows one notebook.
window.course = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const session = () => window.jupyterapp?.shell.currentWidget?.sessionContext;
  const scroller = () => document.querySelector('.jp-Notebook .jp-WindowedPanel-outer') ?? document.querySelector('.jp-Notebook');

  return {
    allRan: false,

    kernelIsIdle: () => {
      const kernel = session()?.isReady && session().session?.kernel;
      return Boolean(kernel && kernel.status === 'idle' && kernel.connectionStatus === 'connected');
    },
    endKernel: () => session()?.shutdown(),
    closeSidebar: () => {
      if (document.querySelector('#jp-left-stack:not(.lm-mod-hidden)')) window.jupyterapp.commands.execute('application:toggle-left-area');
    },
    useTheme: (theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme }),
    nextFrame: () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),

    // Returns at once; allRan becomes true at the end, also where a cell has raised.
    runAll() {
      const end = () => { this.allRan = true; };
      window.jupyterapp.commands.execute('notebook:run-all-cells').then(end, end);
    },
    isShown: () => all('.jp-Notebook img').every((image) => image.complete)
      && all('.jp-Notebook video').every((video) => video.error || video.readyState > 0)
      && !all('.jp-OutputArea-output').some((output) => output.innerText.startsWith('Loading widget')),

    // Scrolls to a page of the notebook, counted from 0; false where there is none.
    async turnTo(page) {
      const panel = scroller(), height = panel.clientHeight;
      const end = all('.jp-Cell', panel).at(-1).getBoundingClientRect().bottom - panel.getBoundingClientRect().top + panel.scrollTop;
      if (page * height >= end) return false;
      panel.scrollTop = page * height;
      await this.nextFrame();
      return true;
    },
  };
})();
