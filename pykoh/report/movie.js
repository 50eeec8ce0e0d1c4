// Shows moving atoms with 3Dmol.js, which is run when a viewer comes into sight.
"use strict";
{
  const NEAR = 2.3; // Å, an H this near to the oxygen of a hydroxide is joined to it by a dashed line
  const MOST_STEPS = 400; // of the path of one hydroxide
  const ION = "#00a693", PROTON = "#ffc400", OXYGEN = "#e0352b", CATION = "#8e5bd0";
  const library = () => {
    if (window.$3Dmol) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("library-3dmol").textContent;
    document.head.append(script);
  };
  const read = (text) => {
    const data = JSON.parse(text);
    const bytes = Uint8Array.from(atob(data.xyz), (c) => c.charCodeAt(0));
    data.xyz = new Int16Array(bytes.buffer);
    return data;
  };
  const at = (first, changes, frame) => {
    const found = first.slice();
    for (const [when, place, value] of changes) {
      if (when > frame) break;
      found[place] = value;
    }
    return found;
  };

  const open = (figure, stage) => {
    const data = read(document.getElementById(`data-${figure.id}`).textContent);
    const n = data.elements.length, last = data.times.length - 1, whole = data.cell !== null;
    stage.replaceChildren();
    let viewer;
    try {
      library();
      viewer = $3Dmol.createViewer(stage, { backgroundAlpha: 0, disableFog: !whole,
        antialias: true });
      viewer.setBackgroundColor("white", 0);
    } catch (error) {
      stage.textContent = "This browser cannot show moving atoms: it offers no WebGL.";
      return;
    }
    const place = (frame, atom) => {
      const k = 3 * (frame * n + atom);
      return { x: data.xyz[k] * data.scale, y: data.xyz[k + 1] * data.scale,
        z: data.xyz[k + 2] * data.scale };
    };
    const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
    // Neither the red of oxygen nor the purple of cations.
    const ionColour = (ion) => whole
      ? `hsl(${Math.round(35 + 210 * ((0.65 + 0.618 * ion) % 1))}, 85%, ${[40, 56, 28][ion % 3]}%)`
      : ION;
    const colours = {};
    const colour = (name) => { // 3Dmol reads no hsl(): the browser tells what it is
      if (!(name in colours)) {
        const brush = document.createElement("canvas").getContext("2d");
        brush.fillStyle = name;
        colours[name] = brush.fillStyle;
      }
      return colours[name];
    };

    const atoms = (frame, carriers) => {
      const owner = at(data.owner, data.owners, frame);
      const ions = new Map();
      carriers.forEach((atom, ion) => { if (atom >= 0) ions.set(atom, ion); });
      const list = data.elements.map((elem, index) => {
        let radius, shade;
        const carries = ions.has(elem === "H" ? owner[index] : index);
        if (elem === "H") {
          radius = whole && !carries ? 0.16 : 0.24;
          shade = "#ffffff";
          if (index === data.proton) [radius, shade] = [0.32, PROTON];
        } else if (elem === "O") {
          radius = whole ? 0.26 : 0.4;
          shade = OXYGEN;
          if (carries) [radius, shade] = [whole ? 0.6 : 0.48, colour(ionColour(ions.get(index)))];
        } else [radius, shade] = [whole ? 0.5 : 0.6, CATION];
        const outside = elem === "H" && owner[index] < 0; // its oxygen is not shown
        return { elem, index, serial: index, bonds: [], bondOrder: [], ...place(frame, index),
          style: outside ? {} : { sphere: { radius, color: shade },
            stick: { radius: whole ? 0.08 : 0.13, color: shade } } };
      });
      owner.forEach((o, h) => {
        if (o < 0 || apart(list[h], list[o]) > NEAR) return;
        for (const [a, b] of [[h, o], [o, h]]) {
          list[a].bonds.push(b);
          list[a].bondOrder.push(1);
        }
      });
      return [list, owner];
    };
    const dashes = (list, owner, carriers) => {
      for (const ion of carriers) {
        if (ion < 0) continue;
        list.forEach((atom, h) => {
          if (atom.elem !== "H" || owner[h] < 0 || owner[h] === ion || apart(atom, list[ion]) > NEAR) return;
          const [start, end] = [atom, list[ion]].map(({ x, y, z }) => ({ x, y, z }));
          viewer.addCylinder({ start, end, radius: 0.05, dashed: true, dashLength: 0.15,
            gapLength: 0.12, color: "#7d8794" });
        });
      }
    };
    const paths = (frame) => {
      const every = Math.max(1, Math.ceil(frame / MOST_STEPS));
      const longest = Math.min(...data.cell.map((v) => Math.hypot(...v))) / 2;
      const list = [];
      data.carrier.forEach((_, ion) => {
        const mine = data.carriers.filter((change) => change[1] === ion);
        let atom = data.carrier[ion], next = 0, before = null;
        for (let f = 0; f <= frame; f += every) {
          while (next < mine.length && mine[next][0] <= f) atom = mine[next++][2];
          const index = list.length, color = colour(ionColour(ion));
          const point = { elem: "C", index, serial: index, bonds: [], bondOrder: [],
            ...place(f, atom), style: { stick: { radius: 0.09, color } } };
          if (before && apart(before, point) < longest) {
            before.bonds.push(index);
            before.bondOrder.push(1);
            point.bonds.push(before.index);
            point.bondOrder.push(1);
          }
          list.push(point);
          before = point;
        }
      });
      return list.filter((point) => point.bonds.length).length ? list : [];
    };
    const box = () => {
      const [a, b, c] = data.cell;
      const corner = (i, j, k) => ({ x: i * a[0] + j * b[0] + k * c[0],
        y: i * a[1] + j * b[1] + k * c[1], z: i * a[2] + j * b[2] + k * c[2] });
      for (const [i, j] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
        for (const [start, end] of [[corner(0, i, j), corner(1, i, j)],
          [corner(i, 0, j), corner(i, 1, j)], [corner(i, j, 0), corner(i, j, 1)]]) {
          viewer.addCylinder({ start, end, radius: 0.04, color: "#7d8794" });
        }
      }
    };

    let frame = data.first, timer = null, shown = false;
    const slider = document.createElement("input"), time = document.createElement("output");
    const play = document.createElement("button");
    const draw = () => {
      viewer.removeAllModels();
      viewer.removeAllShapes();
      const carriers = at(data.carrier, data.carriers, frame);
      const [list, owner] = atoms(frame, carriers);
      viewer.addModel().addAtoms(list);
      if (whole) {
        const path = paths(frame);
        if (path.length) viewer.addModel().addAtoms(path);
        box();
      } else dashes(list, owner, carriers);
      if (!shown) {
        viewer.zoomTo();
        viewer.zoom((whole ? 1.1 : 1.25) * Math.min(1, stage.clientWidth / stage.clientHeight));
        if (whole) { viewer.rotate(20, "x"); viewer.rotate(-25, "y"); }
        shown = true;
      }
      viewer.render();
      slider.value = frame;
      const digits = data.unit === "fs" ? 0 : 3;
      time.textContent = `${data.times[frame].toFixed(digits)} ${data.unit}`
        .replace("-", "\u2212");
    };
    const stop = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = "\u25b6";
      play.setAttribute("aria-label", "play");
    };
    const start = () => {
      timer = setInterval(() => { frame = frame < last ? frame + 1 : 0; draw(); }, 90);
      play.textContent = "\u23f8\ufe0e";
      play.setAttribute("aria-label", "pause");
    };
    play.type = "button";
    play.addEventListener("click", () => (timer === null ? start() : stop()));
    slider.type = "range";
    slider.min = 0;
    slider.max = last;
    slider.setAttribute("aria-label", "time");
    slider.addEventListener("input", () => { stop(); frame = +slider.value; draw(); });
    const bar = document.createElement("div");
    bar.className = "controls";
    bar.append(play, slider, time);
    stage.after(bar);
    stop();
    draw();
    new ResizeObserver(() => viewer.resize()).observe(stage);
  };

  for (const figure of document.querySelectorAll("figure.movie")) {
    const stage = figure.querySelector(".stage");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Show the atoms";
    stage.replaceChildren(button);
    let opened = false;
    const once = () => {
      if (!opened) open(figure, stage);
      opened = true;
    };
    button.addEventListener("click", once);
    // A plain wheel scrolls the page.
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) event.stopImmediatePropagation();
    }, { capture: true, passive: true });
    if ("IntersectionObserver" in window) {
      const seen = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        seen.disconnect();
        once();
      });
      seen.observe(stage);
    }
  }
}
