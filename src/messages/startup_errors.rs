//! Errors before a run begins, with the exit code of the process. `main` and `exec`
//! report them.

use crate::messages::topics;

topics! {
    /// Why no run was begun. There is no outcome then, only an exit code.
    StartupError;
    Inputs {
        ProgramNotStarted "program-not-started" "Program not started"
        "The arguments name a program to hand over to: after `--`, or in the image as the first word, \
         as CI systems start it (`sh`, `cat`, an absolute path). That program is not there or cannot \
         be started."
        "Check the name of the program and `PATH`. To deploy, use an action instead: \
         `sevalla-deploy --help` lists them.";
    }
    Requests {
        SystemRefused "system-refused" "System refused"
        "The operating system did not give what every run needs: a way to wait for the network, or to \
         hear of signals. The message holds the system's own reason."
        "Check the limits of the machine or container, such as the number of open files, and run \
         again.";
    }
}

impl StartupError {
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
