// Tells the sign-up form the reader's time zone, so that mail comes at their hour. Without it the newsletter's is used.
// Only when somebody turns to the form: asking the browser takes time that the page needs for being shown.
document.querySelectorAll('form input[type="hidden"][name="time_zone"]').forEach((field) => {
  const tell = () => {
    field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  };
  field.form.addEventListener("focusin", tell, { once: true });
  field.form.addEventListener("submit", tell, { capture: true });
});
