//! Errors before a run begins, with the exit code of the process. `main` and `exec`
//! report them.

use crate::messages::topics;

topics! {
    /// Why no run was begun. There is no outcome then, only an exit code.
    Misstart;
    Inputs {
        ProgramNotStarted "program-not-started" "Program not started"
        "The first argument was taken for the name of a program to hand over to, as CIs want of an \
         image (`sh`, `cat`), and that program is not there or cannot be started."
        "To deploy, leave the argument out: inputs are environment variables, such as \
         `SEVALLA_ACTION`. `--help` lists them. To run a program in this image, check its name \
         and `PATH`.";
    }
    Requests {
        SystemRefused "system-refused" "System refused"
        "The operating system did not give what every run needs: a way to wait for the network, or to \
         hear of signals. The message holds the system's own reason."
        "Check the limits of the machine or container, such as the number of open files, and run \
         again.";
    }
}

impl Misstart {
    /// How the process ends, in words.
    pub const fn exit(self) -> &'static str {
        match self {
            Self::ProgramNotStarted => {
                "Nothing is run. The exit code is that of a shell: 127 if there is no such program, \
                 else 126."
            }
            Self::SystemRefused => "Nothing is run. The exit code is 10, as of `internal`.",
        }
    }
}
