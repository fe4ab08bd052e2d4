"use strict";
(function () {
  const list = document.getElementById("messages");
  list.scrollTop = list.scrollHeight;
  if (!location.protocol.startsWith("http")) return;
  let revision = document.body.dataset.revision;
  async function refresh() {
    try {
      const answer = await fetch("/revision", { cache: "no-store" });
      const latest = (await answer.text()).trim();
      if (answer.ok && latest !== revision) {
        const page = new DOMParser().parseFromString(await (await fetch(location.href, { cache: "no-store" })).text(), "text/html");
        const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
        list.replaceChildren(...page.getElementById("messages").childNodes);
        document.getElementById("count").textContent = page.getElementById("count").textContent;
        revision = latest;
        if (atEnd) list.scrollTop = list.scrollHeight;
      }
    } catch (error) {
      // the stand-in has stopped: what was shown stays
      return;
    }
    setTimeout(refresh, 1500);
  }
  setTimeout(refresh, 1500);
})();
