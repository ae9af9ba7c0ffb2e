//! TypeScript, linters and what bundles JavaScript.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};
use super::{TYPESCRIPT, number_then, says_what};

pub(in super::super) const LINT: Pattern = cause(
    "ESLint found errors",
    &[],
    "Correct what ESLint names, or make its rule a warning in the configuration of ESLint.",
);

const RESOLVE: &str = "An import leads nowhere";
const RESOLVE_ADVICE: &str = "Correct the path and its upper and lower case, or add the \
             package to package.json.";
const SYNTAX: &str = "A source file could not be read";
const SYNTAX_ADVICE: &str = "Correct the syntax, or add the loader or plugin of the bundler for \
             this kind of file.";
const PLUGIN: &str = "A plugin of the bundler stopped the build";
const PLUGIN_ADVICE: &str = "Correct what the plugin names, or its options in the configuration \
             of the bundler (vite.config, nuxt.config, rollup.config).";

const PAGE: &str = "A page of the site could not be built";
const PAGE_ADVICE: &str = "Correct the page that the generator names; `hugo`, `jekyll build` or \
             `zola build` shows the same on your machine.";

const PRERENDER: &str = "A page could not be rendered while building";
const PRERENDER_ADVICE: &str =
    "Run `next build` on your machine; what the page reads may be missing while building.";
/// What Next.js says when it runs the code of a page.
const COLLECTING: &[&str] = &[
    "Failed to collect page data for ",
    "[Error: Failed to collect page data for ",
    "Failed to collect configuration for ",
    "[Error: Failed to collect configuration for ",
];

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "TypeScript found an error",
        &["error TS", "[ERROR] TS", "Error: TS"],
        "Correct it; `npx tsc --noEmit` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| number_then(text, ":"))
    .place_below(3),
    // ts-node
    cause(
        "TypeScript found an error",
        &["Unable to compile TypeScript"],
        "Correct it; `npx tsc --noEmit` shows the same on your machine.",
    )
    .anywhere()
    .keeps(2)
    .place_below(2),
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
        TYPESCRIPT,
        "Correct it; `npx tsc --noEmit` shows the same on your machine.",
    )
    .then(|text| number_then(text, ": "))
    .behind("ERROR in ")
    .place_above(1),
    cause(
        "Angular found an error in a template",
        &["[ERROR] NG"],
        "Correct it; `npx ng build` shows the same on your machine.",
    )
    .then(|text| number_then(text, ": "))
    .place_below(3),
    cause(
        "Warnings count as errors",
        &["Treating warnings as errors because process.env.CI = true"],
        "Correct the warnings, or set CI=false for the build (`CI=false npx react-scripts build`).",
    )
    .hides(&["The bundler failed"]),
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
            "RollupError: Could not resolve \"",
        ],
        RESOLVE_ADVICE,
    )
    .anywhere()
    .file_behind("\" from \""),
    // Nuxt, and what else loads by Rollup.
    cause(RESOLVE, &["Could not load /"], RESOLVE_ADVICE)
        .anywhere()
        .then(|text| text.contains(" (imported by "))
        .file_behind(" (imported by "),
    cause(
        RESOLVE,
        &[
            "Could not resolve \"",
            "Could not resolve: \"",
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
        "Export it under this name, or correct the import; `npx vite build` shows the same on your \
             machine.",
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
        ],
        SYNTAX_ADVICE,
    )
    .then(|text| says_what(text) && !text.contains("Failed to load PostCSS config"))
    .place_below(8),
    cause(SYNTAX, &["RollupError: "], SYNTAX_ADVICE)
        .then(|text| says_what(text) && !text.starts_with("[plugin ") && !is_of_resolving(text))
        .place_below(4),
    // Rollup and what is built on it: Nitro, Nuxt, SvelteKit, Astro.
    cause(PLUGIN, &["RollupError: [plugin "], PLUGIN_ADVICE)
        .then(|text| is_of_plugin(text) && !is_of_resolving(text))
        .place_below(4),
    cause(PLUGIN, &["[plugin "], PLUGIN_ADVICE)
        .then(|text| is_of_plugin(text) && !is_of_resolving(text))
        .behind("error during build")
        .place_below(4),
    cause(
        PLUGIN,
        &["[nitro] RollupError: ", "[nitro] Error: "],
        PLUGIN_ADVICE,
    )
    .anywhere()
    .then(|text| says_what(text) && !is_of_resolving(text))
    .place_below(4),
    // esbuild
    cause(PLUGIN, &["[ERROR] "], PLUGIN_ADVICE)
        .then(|text| {
            let named = text
                .trim_end()
                .strip_suffix(']')
                .and_then(|text| text.rsplit_once(" [plugin "));
            named.is_some_and(|(_, name)| name != "angular-compiler")
        })
        .place_below(3),
    cause(
        "A plugin of PostCSS cannot be loaded",
        &[
            "Failed to load PostCSS config",
            "Loading PostCSS Plugin failed",
        ],
        "Add the plugin that PostCSS names to the dependencies in package.json.",
    )
    .anywhere()
    .keeps(1),
    cause(
        "A stylesheet could not be compiled",
        &["SassError: ", "CssSyntaxError: ", "[sass] ", "[less] "],
        "Correct the stylesheet; `npx sass` or the bundler shows the same on your machine.",
    )
    .then(says_what)
    .place_below(8),
    // Sass alone.
    cause(
        "A stylesheet could not be compiled",
        &["root stylesheet"],
        "Correct the stylesheet; `npx sass` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| text.trim().is_empty())
    .behind("Error: ")
    .needs_place(),
    cause(
        "A component of Next.js needs a Suspense boundary",
        &["useSearchParams() should be wrapped in a suspense boundary"],
        "Wrap the component that calls the hook in `<Suspense>`; `npx next build` shows the same \
             on your machine.",
    )
    .hides(&[PRERENDER]),
    cause(
        "A bundle is larger than its budget",
        &["exceeded maximum budget"],
        "Make the bundle smaller, or raise the budget in angular.json; `npx ng build` shows the \
             same on your machine.",
    )
    .anywhere()
    .when(|text| text.contains("rror") || text.contains("ERROR")),
    symptom(PRERENDER, COLLECTING, PRERENDER_ADVICE).behind("Error: "),
    symptom(PRERENDER, COLLECTING, PRERENDER_ADVICE).behind("TypeError: "),
    symptom(
        PRERENDER,
        &["Error occurred prerendering page "],
        PRERENDER_ADVICE,
    )
    .keeps(2),
    symptom(
        "OpenSSL refuses what an old bundler asks for",
        &["error:0308010C:digital envelope routines::unsupported"],
        "Update webpack (or what contains it), or set \
             NODE_OPTIONS=--openssl-legacy-provider for the build.",
    )
    .anywhere(),
    symptom(
        "The configuration could not be loaded",
        &["failed to load config from "],
        "Correct the configuration of the bundler, or add the module that it imports to \
             package.json.",
    )
    .keeps(2),
    cause(
        PAGE,
        &[
            "render of \"",
            "error building site: ",
            "Error building site: ",
            "Failed to render ",
        ],
        PAGE_ADVICE,
    )
    .then(says_what)
    .keeps(1),
    cause(PAGE, &["Liquid Exception: "], PAGE_ADVICE)
        .then(says_what)
        .file_behind(" in "),
    cause(PAGE, &["YAML Exception reading "], PAGE_ADVICE)
        .then(says_what)
        .file_behind(" reading "),
    cause(
        "Eleventy could not write a template",
        &[
            "Problem writing Eleventy templates",
            "[11ty] Problem writing Eleventy templates",
        ],
        "Correct the template that Eleventy names; `npx @11ty/eleventy` shows the same on your \
             machine.",
    )
    .keeps(3),
    cause(
        "A query of Gatsby is wrong",
        &["There was an error in your GraphQL query"],
        "Correct the query; `npx gatsby build` shows the same on your machine.",
    )
    .keeps(3)
    .place_below(4),
    cause(
        "Astro stopped with an error",
        OF_ASTRO,
        "Correct the file that Astro names; `npx astro build` shows the same on your machine.",
    )
    .keeps(2)
    .place_below(10),
    consequence("Linting failed", &["✖ "]).then(|text| number_then(text, " problem")),
    consequence("The bundler failed", &["webpack "]).then(|text| {
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
    )
    .keeps(2),
];

/// The names of errors of Astro that say what has to be changed.
const OF_ASTRO: &[&str] = &[
    "[AstroUserError]",
    "[CannotOptimizeSvg]",
    "[CouldNotTransformImage]",
    "[EnvInvalidVariables]",
    "[FailedToFetchRemoteImageDimensions]",
    "[GetStaticPathsRequired]",
    "[ImageMissingAlt]",
    "[ImageNotFound]",
    "[InvalidContentEntryDataError]",
    "[InvalidContentEntryFrontmatterError]",
    "[LocalImageUsedWrongly]",
    "[MissingSharp]",
    "[NoAdapterInstalled]",
    "[UnsupportedImageFormat]",
];

/// `impound] This module cannot be imported`: a plugin that is not known by what
/// it says of a file.
fn is_of_plugin(text: &str) -> bool {
    let named = text.split_once("] ");
    named.is_some_and(|(name, rest)| {
        says_what(rest) && !name.contains(char::is_whitespace) && !KNOWN_PLUGINS.contains(&name)
    })
}

/// Plugins that have patterns of their own.
const KNOWN_PLUGINS: &[&str] = &["vite:vue", "vite:css", "vite:esbuild"];

/// What is said of an import has patterns of its own.
fn is_of_resolving(text: &str) -> bool {
    text.contains("failed to resolve import")
        || text.contains("Could not resolve ")
        || text.contains("\" is not exported by \"")
        || text.contains("is not exported by ")
}
