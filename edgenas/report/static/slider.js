// The budget slider of a figure: which judged network a budget would choose, and a line at that budget.
function budgetAt(figure, place) {
  const costs = figure.networks.map((each) => each[0]), low = costs[0] * 0.98, high = costs[costs.length - 1] * 1.02;
  return figure.axis[2] ? low * (high / low) ** (place / 1000) : low + ((high - low) * place) / 1000;
}

// Place of a budget on the slider, 0 to 1000: the inverse of budgetAt, rounded up, so that the budget still fits.
function placeOf(figure, budget) {
  const low = budgetAt(figure, 0), high = budgetAt(figure, 1000);
  const share = figure.axis[2] ? Math.log(budget / low) / Math.log(high / low) : (budget - low) / (high - low);
  return Math.max(0, Math.min(1000, Math.ceil(1000 * share)));
}

function axisPercent(axis, value) {
  const [low, high, log] = axis;
  return 100 * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
}

function chosenWithin(figure, budget) {
  const fitting = figure.networks.filter((each) => each[0] <= budget);
  return fitting.length ? fitting[fitting.length - 1] : null;
}

function sliders(data, choose) {
  for (const slide of document.querySelectorAll(".slide")) {
    const figure = data.figures[Number(slide.dataset.figure)];
    const says = document.getElementById(slide.id + "-says");
    const area = document.querySelector('.plot[data-figure="' + slide.dataset.figure + '"] > .area');
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.setAttribute("class", "slid");
    line.setAttribute("y1", "0%");
    line.setAttribute("y2", "100%");
    const move = (select) => {
      const budget = budgetAt(figure, Number(slide.value)), found = chosenWithin(figure, budget);
      const at = axisPercent(figure.axis, budget) + "%";
      line.setAttribute("x1", at);
      line.setAttribute("x2", at);
      const text = number(budget) + " " + figure.unit + ": ";
      says.textContent = text + (found ? found[3] + ", " + found[1] + " judged; " + number(found[0]) + " " +
        figure.unit + " is compared with the budget" : "no judged network fits");
      slide.setAttribute("aria-valuetext", says.textContent);
      if (select && found && found[2] !== null) choose(found[2], data.own);
    };
    slide.value = String(placeOf(figure, figure.budget));
    slide.addEventListener("input", () => { area.append(line); move(true); });
    move(false);
  }
}
