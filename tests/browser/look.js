// What the browser tests ask of a page in which JupyterLab shows one notebook.
window.course = (() => {
  const AREAS = '.jp-OutputArea-output, .jp-RenderedMarkdown';
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const ours = (selector) => all(selector).filter((element) => element.closest('.jp-Notebook'));
  const panel = () => window.jupyterapp?.shell.currentWidget;
  const scroller = () => document.querySelector('.jp-Notebook .jp-WindowedPanel-outer');

  // The cell that an element stands in, as a person finds it: "cell 12 (first line)".
  const number = (element) => all('.jp-Notebook .jp-Cell').indexOf(element.closest('.jp-Cell'));
  const modelOf = (element) => panel().content.widgets[number(element)].model;
  const place = (element) => `cell ${number(element) + 1} (${modelOf(element).sharedModel.getSource().split('\n')[0].slice(0, 60)})`;
  const box = (element) => element.getBoundingClientRect();

  // Colours, as WCAG 2 computes them -------------------------------------------------------------------------------------------------
  const canvas = (width, height) => Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      const point = canvas(1, 1);
      point.fillStyle = colour;
      point.fillRect(0, 0, 1, 1);
      known.set(colour, [...point.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(colour);
  };
  const over = (top, below) => [0, 1, 2].map((i) => below[i] + (top[i] - below[i]) * top[3] / 255);
  const ground = (element) => {
    const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    return over(rgba(getComputedStyle(element).backgroundColor), below);
  };
  const luminance = (colour) => {
    const linear = colour.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (one, other) => {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };

  // Pictures ---------------------------------------------------------------------------------------------------------------------------
  const drawn = (image, width = image.naturalWidth, height = image.naturalHeight) => {
    const copy = canvas(Math.max(width, 1), Math.max(height, 1));
    copy.drawImage(image, 0, 0, width, height);
    return copy;
  };
  const isOpaque = (image) => {
    if (!image.naturalWidth) return true;
    const pixels = drawn(image, 64, 64).getImageData(0, 0, 64, 64).data;
    return pixels.every((value, i) => i % 4 < 3 || value === 255);
  };

  return {
    allRan: false,

    kernelIsIdle: () => {
      const context = panel()?.sessionContext, kernel = context?.isReady && context.session?.kernel;
      return Boolean(kernel && kernel.status === 'idle' && kernel.connectionStatus === 'connected');
    },
    endKernel: () => panel()?.sessionContext.shutdown(),
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
    isShown: () => ours('img').every((image) => image.complete)
      && ours('video').every((video) => video.error || video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE || video.readyState > 0)
      && !ours('.jp-OutputArea-output').some((output) => output.innerText.startsWith('Loading widget')),

    // Scrolls to a page of the notebook, counted from 0; false where there is none. Pages overlap by some lines.
    async turnTo(page) {
      const view = scroller(), height = view.clientHeight - 60;
      const end = box(all('.jp-Cell', view).at(-1)).bottom - box(view).top + view.scrollTop;
      if (page * height >= end) return false;
      view.scrollTop = page * height;
      await this.nextFrame();
      return true;
    },

    place,

    codeCells: () => all('.jp-Notebook .jp-CodeCell').map((cell) => {
      const outputs = modelOf(cell).outputs.toJSON();
      const said = (stream) => outputs.filter((output) => output.name === stream).map((output) => [output.text].flat().join('')).join('');
      const errors = outputs.filter((output) => output.output_type === 'error').map((output) => `${output.ename}: ${output.evalue}`);
      return { place: place(cell), prompt: cell.querySelector('.jp-InputPrompt').textContent, errors, stdout: said('stdout'), stderr: said('stderr') };
    }),

    images: () => ours('img').map((image) => ({
      place: place(image), alt: image.alt, natural: [image.naturalWidth, image.naturalHeight], shown: [box(image).width, box(image).height],
      written: Boolean(image.closest('[data-mime-type="text/html"], .jp-RenderedMarkdown')), opaque: isOpaque(image),
    })),

    // A picture's content, to see whether it changes: of the first picture that shares a box of widgets with `element`, or null.
    pictureBeside: (element) => {
      const whole = element.closest('.jp-OutputArea-output');
      let around = element;
      while (around !== whole && !around.querySelector('img')) around = around.parentElement;
      const image = around.querySelector('img');
      return image && drawn(image).canvas.toDataURL();
    },

    // Do words in the button's cell name what the first dropdown there shows?
    namesItsChoice: (button) => {
      const whole = button.closest('.jp-OutputArea-output'), choice = whole.querySelector('select');
      return all('.widget-label, .widget-html', whole).some((label) => label.innerText.includes(choice.selectedOptions[0].text));
    },

    // What sticks out of its cell. Words, tables and formulas may, where a bar to scroll them with appears (`scrolling`); pictures and controls never.
    tooWide: (scrolling) => {
      const found = [];
      for (const area of ours(AREAS)) {
        const right = box(area).left + area.clientLeft + area.clientWidth;
        for (const part of all('img, video, canvas, .jupyter-widgets', area).filter((part) => box(part).right > right + 2)) {
          const [width, excess] = [box(part).width, box(part).right - right].map(Math.round);
          found.push(`${place(area)}: ${part.localName} ${part.className} of ${width} pixels ends ${excess} too far`);
        }
        for (const label of all('.widget-label', area).filter((one) => one.scrollWidth > one.clientWidth + 2)) {
          found.push(`${place(area)}: "${label.innerText}" is cut off`);
        }
        const bar = scrolling && ['auto', 'scroll'].includes(getComputedStyle(area).overflowX);
        if (area.scrollWidth > area.clientWidth + 2 && !bar) found.push(`${place(area)}: ${area.scrollWidth} pixels in ${area.clientWidth}`);
      }
      const view = scroller();
      if (view.scrollWidth > view.clientWidth + 2) found.push(`the notebook: ${view.scrollWidth} pixels in ${view.clientWidth}`);
      return found;
    },

    // A line of the source that begins with a number and a full stop, and so became a list where none was meant.
    strayLists: () => ours('.jp-RenderedMarkdown ol').filter((list) => list.start !== 1 || all('li', list).some((item) => !item.textContent.trim()))
      .map((list) => `${place(list)}: a list that begins with ${list.start}. ${list.textContent.trim().slice(0, 40)}`),

    // Texts whose colour is too near to what they stand on.
    faint: (least) => {
      const walkers = ours(AREAS).map((area) => document.createTreeWalker(area, NodeFilter.SHOW_TEXT));
      const holders = new Set();
      for (const walker of walkers) while (walker.nextNode()) if (walker.currentNode.data.trim()) holders.add(walker.currentNode.parentElement);
      const others = 'mjx-container, video, style, option, [data-mime-type$=stderr]';
      const seen = [...holders].filter((holder) => holder.checkVisibility() && !holder.closest(others));
      return seen.flatMap((holder) => {
        const below = ground(holder), ratio = contrast(over(rgba(getComputedStyle(holder).color), below), below);
        return ratio < least ? [`${place(holder)}: contrast ${ratio.toFixed(1)} of "${holder.innerText.trim().slice(0, 40)}"`] : [];
      });
    },
  };
})();
