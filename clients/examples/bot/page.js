// Two mistakes that a page can make; picortex.js reports them.
document.getElementById('error').addEventListener('click', () => {
  undefined.property_of_nothing;
});
document.getElementById('rejection').addEventListener('click', () => {
  Promise.reject(new Error('this is not caught'));
});
