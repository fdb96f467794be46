#!/bin/sh
# Make config/static/js/vendor/prosemirror.js anew from the locked packages. Needs npm; the product does not.
set -eu
cd "$(dirname "$0")"
npm ci --no-audit --no-fund --ignore-scripts
{
    echo "/*! ProseMirror, https://prosemirror.net/: MIT license. Made by config/vendored/prosemirror/build.sh of"
    node -e 'for (const [at, { version }] of Object.entries(require("./package-lock.json").packages))
        if (at && !at.includes("esbuild")) console.log(" * " + at.replace("node_modules/", "") + " " + version)'
    echo " *"
    sed 's/^/ * /; s/ *$//' node_modules/prosemirror-model/LICENSE
    echo " */"
    node_modules/.bin/esbuild library.mjs --bundle --format=esm --target=es2022 --minify --legal-comments=none
} > ../../static/js/vendor/prosemirror.js
(cd ../../static/js/vendor && sha256sum prosemirror.js) > prosemirror.sha256
