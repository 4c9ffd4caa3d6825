//! The command line and the terminal as a person and a script meet them: the real binary in a sealed environment.
//! What needs a database or a project stands in other files.

mod support;

use safemigrate::domain::event::{Event, Observer};
use safemigrate::ui::{Color, Settings, Ui};
use std::process::{Command, ExitStatus, Output, Stdio};
use support::Terminal;

/// Our program, and nothing of the machine's own settings.
fn safemigrate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
    command.args(arguments).env_clear().env("COLUMNS", "100").stdin(Stdio::null());
    command.current_dir(std::env::temp_dir());
    command
}

/// Status, stdout and stderr as one text.
fn golden(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}--out--\n{}--err--\n{}", code(output.status), text(&output.stdout), text(&output.stderr))
}

fn code(status: ExitStatus) -> String {
    status.code().map_or_else(|| format!("{status}\n"), |code| format!("exit {code}\n"))
}

fn run(arguments: &[&str]) -> Output {
    safemigrate(arguments).output().expect("the program runs")
}

#[test]
fn alone_it_tells_the_story_and_the_commands() {
    let alone = run(&[]);
    insta::assert_snapshot!(golden(&alone), @r#"
    exit 0
    --out--
    prisma migrate for PostgreSQL that cannot lose your data

      safemigrate dev        instead of `prisma migrate dev`: backup, migrate, proof
      safemigrate rollback   everything as it was before, structure and data
      safemigrate reinsert   the rows of before in the schema of now
      safemigrate list       the backups

    Usage: safemigrate [OPTIONS] <COMMAND>

    Commands:
      dev          Backup, `prisma migrate dev`, proof that nothing is lost
      reset        Backup, then `prisma migrate reset`; refused on production
      deploy       Backup, `prisma migrate deploy`, proof; no backup, no migration
      push         Backup, `prisma db push`, proof; refused on production
      prisma       Any command of Prisma's: what can destroy is guarded, the rest is passed on
      run          Backup, any command, proof: a data script, `psql -f`
      backup       Back up the database now
      list         The backups: kind, age, rows, size, why
      show         One backup, table by table
      verify       Compare the live database with a backup: rows, columns, values
      diff         What is different since a backup: structure, Prisma schema, rows
      check        Are the backups themselves whole? `--restore` proves it
      history      The guarded commands that ran, and how they ended
      report       How a run went, for a pull request or in your browser
      schedule     A full backup every hour by cron: install, status, uninstall
      status       Unfinished runs and what to do about them
      recover      Finish or undo what a crash left
      prune        Delete old backups; those that are held stay
      pin          Hold a backup until it is unpinned
      unpin        Let a pinned backup go with the others
      delete       Delete one backup; a held one only when its id is typed (`--confirm ID`)
      rollback     Put structure and data back as a full backup holds them
      rehearse     Try what is pending on a scratch copy of the data: what fails, what would be lost?
      reinsert     Put the rows of a data-only backup into the schema as it is now
      export       A backup as a file for `psql` or `pg_restore`
      import       A file of `pg_dump` into the store, through a scratch database
      guard        What this database is taken for; mark it as production
      lint         Look at migrations before they run: what would destroy data?
      hook         The same before every `git push`: install, uninstall
      init         Set up a project: settings, npm scripts, git hook, ignore line; shows it and asks
      ui           The page with all backups, in your browser: look, create, restore, check
      completions  The script that teaches your shell our commands: bash, zsh, fish, powershell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Everywhere:
          --project <DIR>    Folder of the Prisma project [default: here, or the nearest folder above
                             with one]
          --store <DIR|URL>  Where backups are kept [default: .safemigrate beside package.json]
          --json             Print one JSON object on stdout
      -y, --yes              Say yes to every question (a database's name has to be typed all the same)
          --no-input         Never ask; exit 7 where a question would be
      -q, --quiet            Results and errors only
      -v, --verbose          Say more
          --color <WHEN>     Colours [default: auto] [possible values: auto, always, never]
          --schema <PATH>    Prisma's schema file or folder, as Prisma's own flag
          --config <FILE>    Prisma's configuration file, as Prisma's own flag
          --url <URL>        The database, instead of the one that the project names; works without a
                             project
          --confirm <NAME>   What would have to be typed: NAME@IDENTITY (`guard status`; for `delete`
                             the held backup's id)

    Each flag under "Everywhere" but --confirm has a variable: SAFEMIGRATE_STORE=/backups,
    SAFEMIGRATE_JSON=1. A flag beats it, and it beats safemigrate.toml.
    --err--
    "#);
    assert_eq!(golden(&run(&["--help"])), golden(&alone));
    assert_eq!(golden(&run(&["-q"])), golden(&alone));
}

#[test]
fn dev_help_is_ours_wherever_it_stands() {
    let help = run(&["dev", "--help"]);
    insta::assert_snapshot!(golden(&help), @r"
    exit 0
    --out--
    Backup, `prisma migrate dev`, proof that nothing is lost

    Usage: safemigrate dev [OPTIONS] [PRISMA ARGS]…

    Arguments:
      [PRISMA ARGS]...  Handed to Prisma untouched, wherever they stand; after `--` everything is
                        Prisma's

    Options:
          --rehearse        Try it on a scratch copy of the data first; go on only where nothing fails
                            and nothing is lost
          --on-loss <WHAT>  When data is lost [default: ask at a terminal, else keep and exit 3]
                            [possible values: ask, keep, rollback, reinsert]
      -h, --help            Print help

    Everywhere:
          --project <DIR>    Folder of the Prisma project [default: here, or the nearest folder above
                             with one]
          --store <DIR|URL>  Where backups are kept [default: .safemigrate beside package.json]
          --json             Print one JSON object on stdout
      -y, --yes              Say yes to every question (a database's name has to be typed all the same)
          --no-input         Never ask; exit 7 where a question would be
      -q, --quiet            Results and errors only
      -v, --verbose          Say more
          --color <WHEN>     Colours [default: auto] [possible values: auto, always, never]
          --schema <PATH>    Prisma's schema file or folder, as Prisma's own flag
          --config <FILE>    Prisma's configuration file, as Prisma's own flag
          --url <URL>        The database, instead of the one that the project names; works without a
                             project
          --confirm <NAME>   What would have to be typed: NAME@IDENTITY (`guard status`; for `delete`
                             the held backup's id)

    Example:
      safemigrate dev --name add-description
    --err--
    ");
    assert_eq!(golden(&run(&["dev", "--name", "x", "--help", "--create-only"])), golden(&help));
    assert_eq!(golden(&run(&["help", "dev"])), golden(&help));
}

#[test]
fn every_command_has_a_help_that_fits_the_terminal() {
    let commands = [
        "dev", "reset", "backup", "list", "show", "verify", "check", "history", "report", "status", "recover", "prune",
        "rollback", "reinsert", "guard", "lint", "hook",
    ];
    for command in commands {
        let help = run(&[command, "--help"]);
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.status.success() && help.stderr.is_empty(), "{}", golden(&help));
        assert!(text.contains(&format!("\n  safemigrate {command}")), "no example: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}

#[test]
fn wrong_usage_is_2_with_a_sentence_on_stderr() {
    insta::assert_snapshot!(golden(&run(&["list", "--jsn"])), @r"
    exit 2
    --out--
    --err--
    error: Unexpected argument '--jsn' found
    hint: a similar argument exists: '--json'
    hint: `safemigrate list --help` shows what there is
    ");
    insta::assert_snapshot!(golden(&run(&["rolback"])), @r"
    exit 2
    --out--
    --err--
    error: Unrecognized command 'rolback'
    hint: a similar command exists: 'rollback'
    hint: `safemigrate --help` shows what there is
    ");
    insta::assert_snapshot!(golden(&run(&["dev", "--on-loss", "panic", "--name", "x"])), @r"
    exit 2
    --out--
    --err--
    error: Invalid value 'panic' for '--on-loss <WHAT>' [possible values: ask, keep, rollback, reinsert]
    hint: `safemigrate dev --help` shows what there is
    ");
}

#[test]
fn wrong_usage_with_json_is_one_object_on_stdout() {
    insta::assert_snapshot!(golden(&run(&["show", "--json"])), @r#"
    exit 2
    --out--
    {"command":"show","ok":false,"error":{"hints":["`safemigrate show --help` shows what there is"],"kind":"usage","message":"The following required arguments were not provided: <ID>"}}
    --err--
    "#);
    insta::assert_snapshot!(golden(&run(&["--json"])), @r#"
    exit 2
    --out--
    {"command":"safemigrate","ok":false,"error":{"hints":["`safemigrate --help` shows what there is"],"kind":"usage","message":"A command is missing"}}
    --err--
    "#);
    let from_environment = safemigrate(&["guard", "erase"]).env("SAFEMIGRATE_JSON", "1").output().expect("it runs");
    let object: serde_json::Value = serde_json::from_slice(&from_environment.stdout).expect("one JSON object");
    assert_eq!((&object["command"], &object["ok"]), (&"guard".into(), &false.into()));
    assert_eq!(object["error"]["kind"], "usage");
    assert!(from_environment.stderr.is_empty(), "{}", golden(&from_environment));
}

#[test]
fn a_wrong_variable_is_named() {
    let output = safemigrate(&["list"]).env("SAFEMIGRATE_COLOR", "blue").output().expect("it runs");
    insta::assert_snapshot!(golden(&output), @r"
    exit 2
    --out--
    --err--
    error: Invalid value 'blue' for '--color <WHEN>' [possible values: auto, always, never]
    hint: it comes from the environment variable SAFEMIGRATE_COLOR
    hint: `safemigrate list --help` shows what there is
    ");
    let empty = safemigrate(&["show"]).env("SAFEMIGRATE_COLOR", "").output().expect("it runs");
    assert!(String::from_utf8_lossy(&empty.stderr).contains("<ID>"), "{}", golden(&empty));
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let colored = |flag: &str| run(&["list", "--jsn", flag]).stderr.contains(&0x1b);
    assert!(colored("--color=always"));
    assert!(!colored("--color=never") && !colored("--color=auto"));
    let mut terminal = Terminal::spawn(safemigrate(&["list", "--jsn"]));
    assert_eq!(terminal.wait(), 2);
    assert!(terminal.raw_transcript().contains("\u{1b}[31;1merror:"), "{}", terminal.raw_transcript());
    let mut without = safemigrate(&["list", "--jsn"]);
    without.env("NO_COLOR", "1");
    let mut terminal = Terminal::spawn(without);
    assert_eq!(terminal.wait(), 2);
    assert!(!terminal.raw_transcript().contains('\u{1b}'), "{}", terminal.raw_transcript());
}

#[test]
fn nobody_listening_is_no_panic() {
    for arguments in [["--help", "-q"], ["list", "--jsn"], ["show", "--json"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = safemigrate(&arguments);
        command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        let status = command.status().expect("it runs");
        assert!([Some(0), Some(2)].contains(&status.code()), "{arguments:?}: {status}");
    }
}

/// A child of the tests below: asks one question in the terminal that it was started in and says what came back.
#[test]
#[ignore = "asks a person: the tests below start it in a terminal and are that person"]
fn asks() {
    let Ok(question) = std::env::var("SAFEMIGRATE_TEST_ASKS") else { return };
    let (json, interactive) = (question == "json", question != "no-input");
    let ui = Ui::new(Settings { interactive, json, color: Color::Never, ..Settings::default() });
    let answer = match question.as_str() {
        "choose" => ui.choose("What now?", &["keep", "roll back", "re-insert"]).map(|i| i.to_string()),
        "name" => ui.type_name("shop", "shop").map(|()| "typed".to_owned()),
        "progress" => Ok(progress(&ui)),
        "default" => ui.confirm("Go on?", true).map(|a| format!("{a:?}")),
        _ => ui.confirm("Go on?", false).map(|a| format!("{a:?}")),
    };
    match answer {
        Ok(answer) => eprintln!("answer: {answer}."),
        Err(error) => eprintln!("error: {} {error}.", error.kind.exit_code()),
    }
}

fn progress(ui: &Ui) -> String {
    let observer = ui.progress();
    observer.on(Event::Stage { label: "Backing up".to_owned(), total_bytes: 4_000_000 });
    for table in 0..40 {
        observer.on(Event::Bytes(100_000));
        observer.on(Event::TableDone(format!("public.t{table}")));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    ui.say("said in between");
    observer.on(Event::StageDone);
    "progress ended".to_owned()
}

fn asked(question: &str) -> Terminal {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--ignored", "--exact", "asks", "--nocapture"]).env("SAFEMIGRATE_TEST_ASKS", question);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    Terminal::spawn(command)
}

/// Waits for the question, types, and returns what the program made of it.
#[track_caller]
fn answer(question: &str, prompt: &str, keys: &str) -> String {
    let mut terminal = asked(question);
    terminal.expect(prompt);
    terminal.send(keys);
    let (which, _) = terminal.expect_any(&["answer: ", "error: "]);
    let said = terminal.expect(".\n");
    assert_eq!(terminal.wait(), 0);
    let hidden = terminal.raw_transcript().rfind("\u{1b}[?25l");
    let shown = terminal.raw_transcript().rfind("\u{1b}[?25h");
    assert!(hidden <= shown, "the cursor stayed hidden");
    format!("{}{said}", ["", "error "][which])
}

#[test]
fn a_question_takes_yes_no_and_enter() {
    assert_eq!(answer("confirm", "Go on? [y/N] ", "y\r"), "Yes");
    assert_eq!(answer("confirm", "Go on? [y/N] ", "yess\u{7f}\r"), "Yes");
    assert_eq!(answer("confirm", "Go on? [y/N] ", "\r"), "No");
    assert_eq!(answer("default", "Go on? [Y/n] ", "\r"), "Yes");
    assert_eq!(answer("default", "Go on? [Y/n] ", "what?\rno\r"), "No");
}

#[test]
fn a_choice_is_a_number() {
    assert_eq!(answer("choose", "1-3 [1]: ", "\r"), "0");
    assert_eq!(answer("choose", "1-3 [1]: ", "9\r3\r"), "2");
}

#[test]
fn a_name_has_to_be_typed_as_it_is() {
    assert_eq!(answer("name", "Type shop to go on: ", "shop\r"), "typed");
    let other = "error 7 You typed \"shopp\", but the name is \"shop\"; nothing was changed";
    assert_eq!(answer("name", "Type shop to go on: ", "shopp\r"), other);
}

#[test]
fn ctrl_c_and_esc_cancel_every_question() {
    for (question, prompt) in [("confirm", "[y/N] "), ("choose", "[1]: "), ("name", "to go on: ")] {
        for keys in ["\u{3}", "\u{1b}", "sh\u{3}", "\u{4}"] {
            assert_eq!(answer(question, prompt, keys), "error 130 Cancelled", "{question} {keys:?}");
        }
    }
}

#[test]
fn with_json_or_no_input_nobody_is_asked_even_at_a_terminal() {
    for question in ["json", "no-input"] {
        asked(question)
            .expect("error: 7 A confirmation is needed and nobody can be asked, so nothing was changed: Go on?.");
    }
}

#[test]
fn a_bar_is_shown_and_leaves_nothing_behind() {
    let mut terminal = asked("progress");
    terminal.expect("Backing up [");
    terminal.expect("MB/s");
    terminal.expect("said in between\n");
    terminal.expect("answer: progress ended.");
    assert_eq!(terminal.wait(), 0);
    let raw = terminal.raw_transcript();
    let end = raw.split("said in between").nth(1).expect("what follows");
    let before_answer = end.split("answer:").next().expect("what comes before");
    assert!(before_answer.ends_with("\u{1b}[2K") || !before_answer.contains("Backing"), "{raw:?}");
}
