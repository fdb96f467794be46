// Looks for the number whose derived key begins as the challenge says (ALTCHA, version 2, PBKDF2).
const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

onmessage = async ({ data: challenge }) => {
  const { algorithm, nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const [name, hash] = algorithm.split("/");
  if (name !== "PBKDF2") throw new Error("unknown algorithm");
  const begin = performance.now();
  const head = bytes(nonce);
  const password = new Uint8Array(head.length + 4);
  password.set(head);
  const number = new DataView(password.buffer);
  const how = { name, hash, salt: bytes(salt), iterations: cost };
  for (let counter = 0; ; counter += 1) {
    number.setUint32(head.length, counter);
    const key = await crypto.subtle.importKey("raw", password, name, false, ["deriveBits"]);
    const derivedKey = hex(await crypto.subtle.deriveBits(how, key, keyLength * 8));
    if (derivedKey.startsWith(keyPrefix)) {
      const solution = { counter, derivedKey, time: Math.round(performance.now() - begin) };
      postMessage(btoa(JSON.stringify({ challenge, solution })));
      return;
    }
  }
};
