let started = false;
onhashchange = show;
look().finally(() => {
  started = true;
  show();
  load_works();
  setInterval(poll, 1000);
  poll();
});
