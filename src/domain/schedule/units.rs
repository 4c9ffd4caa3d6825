//! The same for systemd: a service and a timer of the user.

use super::crontab::Command;

/// The name of both units, without what tells them apart; the same store has always the same.
pub fn unit_name(store: &str, spread: u32) -> String {
    // `.safemigrate` says less than the folder it is in
    let folder = store.rsplit('/').find(|name| !name.starts_with('.')).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    format!("safemigrate-{}-{spread:08x}", folder.chars().map(plain).collect::<String>())
}

/// What is to be run.
pub fn service(store: &str, command: &Command) -> String {
    let variables = command.variables.iter().map(|(name, value)| format!("{name}={value}"));
    let words = ["/usr/bin/env".to_owned(), "-i".to_owned()].into_iter().chain(variables);
    let words = words.chain([command.program.clone()]).chain(command.arguments.clone());
    let line = words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
    format!(
        "# `safemigrate schedule uninstall` removes this file\n[Unit]\nDescription=safemigrate: a backup into {}\n\n\
         [Service]\nType=oneshot\nExecStart={line}\n",
        store.replace('%', "%%")
    )
}

/// When. What was missed while the machine was off is made up for.
pub fn timer(store: &str, calendar: &str) -> String {
    format!(
        "# `safemigrate schedule uninstall` removes this file\n[Unit]\nDescription=safemigrate: a backup into {}\n\n\
         [Timer]\nOnCalendar={calendar}\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
        store.replace('%', "%%")
    )
}

/// `man systemd.service`, "Command lines": C's escapes in double quotes, `%` and `$` doubled.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_.-:/,@+=".contains(c));
    if plain { escaped } else { format!("\"{escaped}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_this() {
        let command = Command {
            variables: vec![("HOME".into(), "/home/jo".into())],
            program: "/opt/safemigrate".into(),
            arguments: ["--project", r#"/a b/100%/$x"\y"#, "schedule", "run"].map(str::to_owned).to_vec(),
        };
        assert_eq!(unit_name("/home/jo/my shop/.safemigrate", 0xab), "safemigrate-my-shop-000000ab");
        insta::assert_snapshot!(service("/a/100%", &command), @r#"
        # `safemigrate schedule uninstall` removes this file
        [Unit]
        Description=safemigrate: a backup into /a/100%%

        [Service]
        Type=oneshot
        ExecStart=/usr/bin/env -i HOME=/home/jo /opt/safemigrate --project "/a b/100%%/$$x\"\\y" schedule run
        "#);
        insta::assert_snapshot!(timer("/a", "*-*-* *:57:00"), @r"
        # `safemigrate schedule uninstall` removes this file
        [Unit]
        Description=safemigrate: a backup into /a

        [Timer]
        OnCalendar=*-*-* *:57:00
        Persistent=true

        [Install]
        WantedBy=timers.target
        ");
    }
}
