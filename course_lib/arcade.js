// The board of arcade.py: draws what the kernel sends, hands on what is pressed. What a press means is decided in the kernel.

const KEYS = { ArrowLeft: "left", a: "left", ArrowRight: "right", d: "right", " ": "serve", Enter: "serve" };
const BUTTON = { ready: "Start", playing: "Pause", paused: "Go on", over: "New game" };
const NO_SHORTCUTS = 'data-lm-suppress-shortcuts="true"'; // of JupyterLab, for whom it must stand on the very element that has the focus
const [WIDTH, HEIGHT] = [160, 210]; // of a screen, in pixels; shown 4 wide by 3 high

const side = (which) => `
  <div class="arcade-side">
    <p><span class="arcade-name"></span><b class="arcade-score"></b><span class="arcade-lives"></span></p>
    <div class="arcade-screen"><canvas width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${which}"></canvas><div class="arcade-hint" aria-hidden="true"></div></div>
  </div>`;

const BOARD = `
  <div class="arcade">
    <div class="arcade-board" tabindex="0" ${NO_SHORTCUTS} role="application" aria-roledescription="game"
      aria-label="Breakout. Arrows, or A and D: move. Space or Enter: start and serve. P: pause. Escape: leave.">
      ${side("your screen")}${side("the agent's screen")}
    </div>
    <p class="arcade-said" role="status"></p>
    <div class="arcade-controls">
      <button type="button" ${NO_SHORTCUTS} class="arcade-toggle">Start</button>
      <button type="button" ${NO_SHORTCUTS} class="arcade-new">New game</button>
    </div>
    <div class="arcade-controls">
      <span><kbd>←</kbd> <kbd>→</kbd> or <kbd>A</kbd> <kbd>D</kbd> move</span>
      <span><kbd>Space</kbd> or <kbd>Enter</kbd> start, serve</span>
      <span><kbd>P</kbd> pause</span>
      <span><kbd>Esc</kbd> leave</span>
    </div>
  </div>`;

function render({ model, el }) {
  el.innerHTML = BOARD;
  const find = (name) => el.querySelector(`.arcade-${name}`);
  const all = (name) => [...el.querySelectorAll(`.arcade-${name}`)];
  const [board, said, toggle, anew] = ["board", "said", "toggle", "new"].map(find);
  const [names, scores, lives, hints] = ["name", "score", "lives", "hint"].map(all);
  const colours = new Uint32Array(Uint8Array.from(bytes(model.get("palette"))).buffer);
  const screens = [...el.querySelectorAll("canvas")].map((canvas) => canvas.getContext("2d"));
  names[0].textContent = "You";
  names[1].textContent = model.get("agent");
  said.textContent = "Waiting for the kernel.";

  // Frames, one after the other. A frame counts as seen when the browser is about to paint it; a hidden page paints nothing.
  let drawn = Promise.resolve();
  const hear = (message, buffers) => {
    drawn = drawn.then(() => draw(message, buffers[0])).catch((error) => write(said, `This browser cannot show the game (${error.message}).`));
  };
  async function draw(frame, packed) {
    const pixels = await unpacked(packed);
    screens.forEach((screen, index) => {
      const image = screen.createImageData(WIDTH, HEIGHT);
      const into = new Uint32Array(image.data.buffer);
      const start = index * into.length;
      for (let i = 0; i < into.length; i++) into[i] = colours[pixels[start + i]];
      screen.putImageData(image, 0, 0);
      write(scores[index], frame.scores[index]);
      write(hints[index], frame.hints[index]);
      write(lives[index], frame.lives[index] === 1 ? "1 ball" : `${frame.lives[index]} balls`);
    });
    write(said, frame.said);
    write(toggle, BUTTON[frame.state]);
    anew.hidden = frame.state === "over"; // the other button is one
    Object.assign(board.dataset, { state: frame.state, key: frame.key, frame: frame.frame });
    requestAnimationFrame(() => model.send({ kind: "seen", frame: frame.frame }));
  }

  // Keys. Those held are repeated by the system, which is no new press.
  let number = 0;
  const press = (event, kind) => {
    const key = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!key) return false; // let go, a key counts whatever else is held by then
    event.preventDefault();
    if (!event.repeat) model.send({ kind, key, number: ++number });
    return true;
  };
  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || press(event, "down") || event.repeat) return; // Ctrl+P prints
    if (event.key === "Escape") toggle.focus(); // the board loses the focus, which pauses
    if (event.key === "p" || event.key === "P") model.send({ kind: "toggle" });
  });
  board.addEventListener("keyup", (event) => press(event, "up"));
  board.addEventListener("click", () => {
    for (const kind of ["down", "up"]) model.send({ kind, key: "serve", number: ++number });
  });

  // Buttons: clicked with the mouse they leave the focus where it is, so that Pause does not pause twice.
  for (const [button, kind] of [[toggle, "toggle"], [anew, "new"]]) {
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      model.send({ kind });
      board.focus({ preventScroll: true });
    });
  }

  // Nobody looks, or nobody's keys arrive: the game stands still.
  const pause = () => model.send({ kind: "pause" });
  const hide = () => document.hidden && pause();
  const watch = new IntersectionObserver(([entry]) => entry.isIntersecting || pause());
  board.addEventListener("blur", pause);
  document.addEventListener("visibilitychange", hide);
  watch.observe(board);

  model.on("msg:custom", hear);
  model.send({ kind: "hello" });
  return () => {
    pause();
    model.off("msg:custom", hear);
    document.removeEventListener("visibilitychange", hide);
    watch.disconnect();
  };
}

function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

async function unpacked(packed) {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter(); // a Blob would take its way through another process
  writer.write(packed);
  writer.close();
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}

export default { render };
