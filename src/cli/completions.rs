//! Scripts that complete the command line in a shell.

use super::COMMANDS;
use super::help;
use crate::inputs::{ACTIONS, Input, TABLE};

/// The shells.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The script for a shell.
pub fn of(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

/// The inputs with an option. The action is a word instead.
fn options() -> impl Iterator<Item = (String, &'static Input)> {
    let all = TABLE.iter().filter(|input| input.name() != "action");
    all.filter_map(|input| Some((input.option()?, input)))
}

fn actions() -> Vec<&'static str> {
    ACTIONS.iter().map(|action| action.name.word()).collect()
}

/// In it stand only names of the tables, which are letters and hyphens. It is
/// for the bash 3.2 of macOS too.
fn bash() -> String {
    let names: Vec<String> = options().map(|(option, _)| option).collect();
    let with_words: String = options()
        .filter(|(_, input)| !input.words.is_empty() && !input.is_switch())
        .map(|(option, input)| {
            let words = input.words.join(" ");
            format!("        {option}) words=\"{words}\" ;;\n")
        })
        .collect();
    let of = |is: fn(&Input) -> bool| {
        let some = options().filter(|(_, input)| is(input));
        let some: Vec<String> = some.map(|(option, _)| option).collect();
        some.join("|")
    };
    let switches = of(Input::is_switch);
    let paths = of(Input::is_path);
    let others = of(|input| input.words.is_empty() && !input.is_path());
    format!(
        "# bash completion for sevalla-deploy\n\
_sevalla_deploy() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local actions=\"{actions}\" words= word is_given= is_attached=
    COMPREPLY=()
    # bash makes three words of --name=value.
    if [[ $current == = ]]; then
        current= is_attached=1
    elif [[ $before == = && $COMP_CWORD -gt 2 ]]; then
        before=${{COMP_WORDS[COMP_CWORD-2]}} is_attached=1
    fi
    case $before in
        help) words=\"$actions {topics}\" ;;
        completions) words=\"{shells}\" ;;
{with_words}        {switches}) [[ $is_attached ]] && words=\"true false\" ;;
        {paths})
            compopt -o filenames 2>/dev/null
            local IFS=$'\\n'
            COMPREPLY=($(compgen -f -- \"$current\"))
            return ;;
        {others}) return ;;
    esac
    if [[ ! $words ]]; then
        for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do
            [[ $word == -- ]] && return
            [[ \" $actions \" == *\" $word \"* ]] && is_given=1
        done
        words=\"{names} --help --version\"
        [[ $is_given || $current == -* ]] || words=\"$actions {commands}\"
    fi
    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))
}}
complete -F _sevalla_deploy sevalla-deploy
",
        actions = actions().join(" "),
        topics = topics().join(" "),
        shells = SHELLS.join(" "),
        names = names.join(" "),
        commands = COMMANDS.join(" "),
    )
}

/// What `help` takes beside actions.
fn topics() -> Vec<String> {
    let names = actions();
    let mut topics = help::topics();
    topics.retain(|topic| !names.contains(&topic.as_str()));
    topics
}

/// A text between quotes, in zsh and fish.
fn quoted(text: &str, replacements: &[(&str, &str)]) -> String {
    let text = replacements
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    format!("'{text}'")
}

fn zsh() -> String {
    let quote = |text: &str| quoted(text, &[("'", "'\\''")]);
    let plain = |text: &str| {
        let signs = [("\\", "\\\\"), ("[", "\\["), ("]", "\\]"), (":", "\\:")];
        signs
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let described = |word: &str, text: &str| quote(&format!("{word}:{}", plain(text)));
    let actions = ACTIONS
        .iter()
        .map(|action| described(action.name.word(), action.summary));
    let others = [
        described("help", "Shows help about an action or input."),
        described("completions", "Writes a completion script for a shell."),
    ];
    let actions: Vec<String> = actions.chain(others).collect();
    let options: Vec<String> = options()
        .map(|(option, input)| {
            let words = input.words.join(" ");
            let value = if input.is_switch() {
                // Only behind `=`, and it may be omitted.
                return quote(&format!(
                    "{option}=-[{}]::value:({words})",
                    plain(input.short)
                ));
            } else if input.is_path() {
                "_files".to_owned()
            } else if input.words.is_empty() {
                " ".to_owned()
            } else {
                format!("({words})")
            };
            let accepts = plain(input.accepts);
            quote(&format!(
                "{option}=[{}]:{accepts}:{value}",
                plain(input.short)
            ))
        })
        .collect();
    format!(
        "#compdef sevalla-deploy
_sevalla_deploy() {{
    local -a actions
    actions=(
        {actions}
    )
    case $words[2] in
        help) (( CURRENT == 3 )) && compadd -- {names} {topics}; return ;;
        completions) (( CURRENT == 3 )) && compadd -- {shells}; return ;;
        --) return ;;
    esac
    _arguments \\
        '1:action:{{_describe action actions}}' \\
        {options} \\
        '(- *)'{{-h,--help}}'[Show help]' \\
        '(- *)'{{-V,--version}}'[Show the version]'
}}
if [[ $funcstack[1] == _sevalla_deploy ]]; then
    _sevalla_deploy \"$@\"
else
    compdef _sevalla_deploy sevalla-deploy
fi
",
        actions = actions.join("\n        "),
        options = options.join(" \\\n        "),
        names = self::actions().join(" "),
        topics = topics().join(" "),
        shells = SHELLS.join(" "),
    )
}

fn fish() -> String {
    let quote = |text: &str| quoted(text, &[("\\", "\\\\"), ("'", "\\'")]);
    let complete = |rest: String| format!("complete -c sevalla-deploy {rest}\n");
    let commands: Vec<String> = super::commands();
    let no_action = quote(&format!(
        "not __fish_seen_subcommand_from {}",
        commands.join(" ")
    ));
    let actions = ACTIONS.iter().map(|action| {
        let (word, summary) = (action.name.word(), quote(action.summary));
        complete(format!("-f -n {no_action} -a {word} -d {summary}"))
    });
    let after = |command: &str, words: &[String]| {
        let condition = quote(&format!("__fish_seen_subcommand_from {command}"));
        complete(format!("-f -n {condition} -a {}", quote(&words.join(" "))))
    };
    let commands = [
        complete(format!(
            "-f -n {no_action} -a help -d 'Shows help about an action or input.'"
        )),
        complete(format!(
            "-f -n {no_action} -a completions -d 'Writes a completion script for a shell.'"
        )),
        after("help", &help::topics()),
        after("completions", &SHELLS.map(str::to_owned)),
        complete("-s h -l help -d 'Show help'".to_owned()),
        complete("-s V -l version -d 'Show the version'".to_owned()),
    ];
    let options = options().map(|(option, input)| {
        let name = option.trim_start_matches('-');
        let value = if input.is_switch() {
            "-f".to_owned()
        } else if input.is_path() {
            "-rF".to_owned()
        } else if input.words.is_empty() {
            "-x".to_owned()
        } else {
            format!("-x -a {}", quote(&input.words.join(" ")))
        };
        complete(format!("-l {name} {value} -d {}", quote(input.short)))
    });
    let lines = actions.chain(commands).chain(options);
    let lines: String = lines.collect();
    format!("# fish completion for sevalla-deploy\ncomplete -c sevalla-deploy -f\n{lines}")
}
