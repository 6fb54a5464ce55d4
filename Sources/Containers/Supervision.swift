internal import CLinux
internal import Glibc
internal import Linux

/// The supervisors of all containers of an agent: one small C process beside each container, which
/// outlives the agent, keeps stdout and stderr, and stores the wait status.
///
/// Command line:
///
///     holdfast-supervisor --state DIR --sandbox DIR --log-bytes N --log-files N
///         [--uid U --gid G [--groups A,B]] [--env-file FILE] [--pid-file FILE] -- ARGV...
///
/// Descriptor 3 is the write end of a pipe: "ok PID\n" or "error TEXT\n" comes once. Descriptor 4 is
/// the FIFO `alive`, held open until the supervisor ends. It detaches itself at once (two forks).
///
/// Without `--pid-file` (plain): ARGV runs in a session of its own, in the sandbox, as the user, with
/// exactly the environment of the file (NAME=VALUE, each ended by a zero byte).
/// With `--pid-file` (OCI runtime): ARGV is `runc run --detach --pid-file FILE ...`; it keeps the
/// supervisor's user and directory, `--uid` and `--gid` own the logs only. When it has ended with 0,
/// the pid in the file is supervised; otherwise what it wrote to stderr becomes the error's text.
/// Once the first process has ended, every descendant is killed.
///
/// State directory `<runtime directory>/<container id>/`, mode 0700:
///
///     alive       FIFO; a writer holds it: the supervisor lives
///     supervisor  "PID START-TIME BOOT-ID\n"
///     pid         the same of the first process, stored before it executes
///     exit        "WAIT-STATUS UNIX-SECONDS\n", durable; then the supervisor ends
///     identity    the sandbox and the user, for a restarted agent
///     env         for --env-file
///
/// Other files in it (a bundle, a log) belong to the launcher that made them; `remove` takes all.
