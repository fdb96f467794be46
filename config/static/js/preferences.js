// Guesses the reader's time zone, shows that it is a guess, and leaves it to them. Without it the newsletter's is used.
const zone = document.getElementById("time-zone");
const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !zone.value && [...zone.options].some((option) => option.value === guess)) {
  zone.value = guess;
  document.getElementById("time-zone-guess").hidden = false;
}
