window.heard = []; window.station.onEvent("tokens.changed", (p) => window.heard.push(p));
