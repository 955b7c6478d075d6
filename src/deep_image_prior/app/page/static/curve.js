// The energy over the steps, on a canvas.

/** points: [[step, energy], ...]; marks: {chosen, shown}, steps or null. */
export function drawCurve(canvas, points, marks) {
  const ratio = window.devicePixelRatio;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const context = canvas.getContext("2d");
  const finite = points.filter(([, energy]) => Number.isFinite(energy));
  if (finite.length < 2 || !canvas.width) return;
  const style = getComputedStyle(canvas);
  const place = placer(finite, canvas.width, canvas.height, 4 * ratio);
  const line = (color, width, draw) => {
    context.strokeStyle = color;
    context.lineWidth = width * ratio;
    context.beginPath();
    draw();
    context.stroke();
  };
  const upright = (step, dash) => {
    context.setLineDash(dash.map((each) => each * ratio));
    const [x] = place([step, finite[0][1]]);
    line(style.color, 1.5, () => {
      context.moveTo(x, 0);
      context.lineTo(x, canvas.height);
    });
    context.setLineDash([]);
  };
  line(style.getPropertyValue("--accent"), 2, () =>
    finite.forEach((each) => context.lineTo(...place(each))),
  );
  if (marks.chosen) upright(marks.chosen, [2, 3]);
  if (marks.shown) upright(marks.shown, []);
  const [first, last] = [finite[0], finite.at(-1)];
  const short = (energy) => Number(energy.toPrecision(3));
  const words = `Energy from ${short(first[1])} at step ${first[0]} to ${short(last[1])} at step ${last[0]}.`;
  canvas.setAttribute("aria-label", words);
}

/** Logarithmic where the energies are positive and far apart. */
function placer(points, width, height, rim) {
  const energies = points.map(([, energy]) => energy);
  const logarithmic =
    Math.min(...energies) > 0 && Math.max(...energies) > 4 * Math.min(...energies);
  const of = logarithmic ? Math.log : (energy) => energy;
  const [low, high] = [of(Math.min(...energies)), of(Math.max(...energies))];
  const [start, end] = [points[0][0], points.at(-1)[0]];
  return ([step, energy]) => [
    rim + ((width - 2 * rim) * (step - start)) / (end - start || 1),
    height - rim - ((height - 2 * rim) * (of(energy) - low)) / (high - low || 1),
  ];
}
