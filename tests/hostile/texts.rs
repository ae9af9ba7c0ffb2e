//! What strangers write.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use proptest::sample::select;

/// The secrets of every run here.
pub(crate) const KEY: &str = "svl_7e5A1c9D3f0B7e5A1c9D3f0B7e5A1c9D3f0B7e5A1c9D3f0B";
pub(crate) const HOOK_END: &str = "Zk3vT9qLw1Xs";
pub(crate) const GITHUB_TOKEN: &str = "ghs_Q0w9E8r7T6y5U4i3O2p1A0s9D8f7G6h5J4k3";
pub(crate) const PROXY_PASSWORD: &str = "p@ss/w0rd+Of:Proxy";

/// What means something to some host, page or terminal, alone or beside
/// another of these.
pub(crate) const FRAGMENTS: &[&str] = &[
    "::",
    "::error::pwned",
    "::error file=a,line=1::pwned",
    "::add-mask::success",
    "::stop-commands::pwned",
    "::pwned::",
    "::endgroup::",
    "::set-output name=url::pwned",
    "::debug::",
    "::group::",
    "##[error]pwned",
    "##[",
    "#",
    "##",
    "[",
    "]",
    "##[group]",
    "##vso[task.setvariable variable=PATH]/tmp",
    "##VSO[task.complete result=Succeeded;]",
    "##teamcity[buildStatus status='SUCCESS']",
    "|n|r",
    "section_start:1:a\r",
    "\u{1b}[0Ksection_start:1772000000:x[collapsed=true]\r\u{1b}[0Kt",
    "travis_fold:start:x\r",
    "--- pwned",
    "+++ pwned",
    "~~~ pwned",
    "^^^ +++",
    "\u{1b}_bk;t=0\u{7}",
    "\n",
    "\r",
    "\r\n",
    "\u{b}",
    "\u{c}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\0",
    "\n::error::pwned",
    "\r##[error]pwned",
    "\n--- pwned",
    "%0A::error::pwned",
    "%25",
    "%3A",
    ",",
    ";",
    "=",
    "\u{1b}",
    "\u{1b}[",
    "\u{1b}[2J",
    "\u{1b}[1;1H",
    "\u{1b}[2K\u{1b}[1G",
    "\u{1b}[31m",
    "\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}P+q\u{1b}\\",
    "\u{1b}c",
    "\u{1b}(0",
    "\u{9b}2J",
    "\u{9d}0;t\u{9c}",
    "\u{7}",
    "\u{8}\u{8}",
    "\u{7f}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\u{fe0f}",
    "\u{301}",
    "\u{20e3}",
    "\u{e0041}",
    "\u{3164}",
    "\u{61c}",
    "`",
    "``",
    "```",
    "````\n",
    "```text\n",
    "~~~\n",
    "|",
    "\\|",
    "\\",
    "\\\\|",
    "| --- | --- |\n",
    "<b>",
    "</td></table>",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "</details>",
    "<script>",
    "[x](http://evil.example)",
    "![i](http://evil.example/i.png)",
    "[x]: http://evil.example\n",
    "https://evil.example/x",
    "<https://evil.example>",
    "www.evil.example",
    "@octo/team",
    "@octocat",
    "#1",
    "octo/repo#1",
    "GH-1",
    "0123456789abcdef0123456789abcdef01234567",
    "$`x`$",
    "$$x$$",
    ":+1:",
    "**",
    "_",
    "*",
    "# h",
    "> q",
    "- l",
    "1. l",
    "- [ ] t",
    "&lt;",
    "&#60;",
    "\n\n",
    "    ",
    "\t",
    " ",
    "ghadelimiter_",
    "<<",
    "TOKEN",
    "name<<EOF\n",
    "outcome=success",
    "EOF",
    "{",
    "\"",
    "\\u0000",
    "plain",
    "text",
    "é",
    "日本語",
    "🚀",
    "a",
];

/// The secrets as they may come back.
pub(crate) fn written(secret: &str) -> Vec<String> {
    let percent = |upper: bool| -> String {
        let byte = |byte: u8| match (
            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
            upper,
        ) {
            (true, _) => char::from(byte).to_string(),
            (_, true) => format!("%{byte:02X}"),
            (_, false) => format!("%{byte:02x}"),
        };
        secret.bytes().map(byte).collect()
    };
    let json = serde_json::to_string(secret).unwrap();
    let half = secret.len() / 2;
    let (first, second) = secret.split_at(half);
    vec![
        secret.to_owned(),
        percent(true),
        percent(false),
        json.trim_matches('"').replace('/', "\\/"),
        STANDARD.encode(secret),
        STANDARD.encode(format!("a:{secret}")),
        STANDARD.encode(format!("user:{secret}")),
        URL_SAFE.encode(format!("Bearer {secret}\n")),
        format!("{first}\u{1b}[0m{second}"),
        format!("{first}\u{200b}{second}"),
        format!("{first}\n{second}"),
        format!("{first}\r{second}"),
        format!("https://user:{secret}@host/"),
    ]
}

pub(crate) fn secrets() -> [&'static str; 4] {
    [KEY, HOOK_END, GITHUB_TOKEN, PROXY_PASSWORD]
}

/// A text of pieces, each cut at an odd place now and then.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let fragment = select(FRAGMENTS).prop_map(str::to_owned);
    let secret = select(secrets().into_iter().flat_map(written).collect::<Vec<_>>());
    let cut = (select(FRAGMENTS), any::<prop::sample::Index>()).prop_map(|(text, at)| {
        let at = at.index(text.chars().count() + 1);
        text.chars().take(at).collect()
    });
    let random = proptest::collection::vec(any::<char>(), 0..4).prop_map(String::from_iter);
    let piece = prop_oneof![
        8 => fragment,
        2 => cut,
        2 => random,
        1 => secret,
        1 => (select(FRAGMENTS), 1..120_usize).prop_map(|(text, times)| text.repeat(times)),
    ];
    proptest::collection::vec(piece, 1..10).prop_map(|pieces| pieces.concat())
}
