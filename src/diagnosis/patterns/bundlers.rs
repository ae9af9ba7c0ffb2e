//! TypeScript, linters and what bundles JavaScript.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::{number_then, says_what};

pub(in super::super) const LINT: Pattern = cause(
    "ESLint found errors",
    &[],
    "Correct what the linter names, or make its rule a warning.",
);

const RESOLVE: &str = "An import leads nowhere";
const RESOLVE_ADVICE: &str = "Check the path and its upper and lower case, and that the \
             package is in package.json.";
const SYNTAX: &str = "A source file could not be read";
const SYNTAX_ADVICE: &str = "Correct the syntax at this place, or add the loader or plugin \
             for this kind of file.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "TypeScript found an error",
        &["error TS", "[ERROR] TS", "Error: TS"],
        "Correct it; `npx tsc --noEmit` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| number_then(text, ":"))
    .place_below(3),
    // Next.js, and the plugins of webpack.
    cause(
        "TypeScript found an error",
        &["Type error: "],
        "Correct it; `npx tsc --noEmit` shows the same on your machine.",
    )
    .then(says_what)
    .place_above(1),
    cause(
        "TypeScript found an error",
        &["TS"],
        "Correct it; `npx tsc --noEmit` shows the same on your machine.",
    )
    .then(|text| number_then(text, ": "))
    .behind("ERROR in ")
    .place_above(1),
    cause(RESOLVE, &["Module not found: "], RESOLVE_ADVICE)
        .then(says_what)
        .place_above(2),
    // Gatsby
    cause(RESOLVE, &["Can't resolve '"], RESOLVE_ADVICE).then(|text| text.contains("' in '/")),
    cause(
        RESOLVE,
        &[
            "Rollup failed to resolve import \"",
            "Could not resolve entry module \"",
            "Failed to resolve import \"",
        ],
        RESOLVE_ADVICE,
    )
    .anywhere(),
    cause(
        RESOLVE,
        &[
            "Could not resolve \"",
            "Could not resolve '",
            "Failed to resolve entry for package",
        ],
        RESOLVE_ADVICE,
    )
    .then(says_what)
    .place_below(2),
    cause(
        "Something is imported that is not exported",
        &["\" is not exported by \""],
        "Export it under this name, or correct the import.",
    )
    .anywhere()
    .place_below(2),
    cause(
        SYNTAX,
        &["Transform failed with ", "Build failed with "],
        SYNTAX_ADVICE,
    )
    .then(|text| number_then(text, " error"))
    .anywhere()
    .keeps(1)
    .place_below(2),
    cause(
        SYNTAX,
        &[
            "Module parse failed: ",
            "Parsing ecmascript source code failed",
            "Expression expected",
            "Unterminated string",
        ],
        SYNTAX_ADVICE,
    )
    .place_above(3)
    .place_below(4),
    cause(
        SYNTAX,
        &[
            "[vite:vue] ",
            "[plugin vite:vue] ",
            "[vite:css] ",
            "[postcss] ",
            "[vite-plugin-svelte] ",
            "[plugin:vite:vue] ",
            "[commonjs--resolver] ",
            "[vite:esbuild] ",
            "RollupError: ",
        ],
        SYNTAX_ADVICE,
    )
    .then(says_what)
    .place_below(4),
    cause(
        "A stylesheet could not be compiled",
        &["SassError: ", "CssSyntaxError: ", "[sass] "],
        "Correct the stylesheet at this place.",
    )
    .then(says_what)
    .place_below(8),
    symptom(
        "A page could not be rendered while building",
        &["Error occurred prerendering page "],
        "Open the page on your machine with `next build`; what it reads \
             may be missing while building.",
    )
    .keeps(2),
    symptom(
        "OpenSSL refuses what an old bundler asks for",
        &["error:0308010C:digital envelope routines::unsupported"],
        "Update the bundler, or set \
             NODE_OPTIONS=--openssl-legacy-provider for the build.",
    )
    .anywhere(),
    symptom(
        "The configuration could not be loaded",
        &["failed to load config from "],
        "What stands below it says which module or line is at fault.",
    )
    .keeps(2),
    consequence("Linting failed", &["✖ "], "Correct what the linter names.")
        .then(|text| number_then(text, " problem")),
    consequence(
        "The bundler failed",
        &["webpack "],
        "What it printed before this line says why.",
    )
    .then(|text| {
        text.contains(" compiled with ") && text.contains(" error") && !text.contains(" 0 errors")
    }),
    consequence(
        "The bundler failed",
        &[
            "Build failed because of webpack errors",
            "Failed to compile",
            "✗ Build failed in ",
            "x Build failed in ",
            "error during build:",
        ],
        "What it printed around this line says why.",
    )
    .keeps(2),
];
