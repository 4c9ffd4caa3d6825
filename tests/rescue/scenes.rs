//! What the stories have in common: a filled project, a person who answers, and the proof that nothing got lost.

use super::support::{Cluster, Prisma, Project, Shape, Terminal, same};

/// The person's keys.
pub const YES: &str = "1\r";
pub const NO: &str = "2\r";
pub const CTRL_C: &str = "\u{3}";
/// The last of our questions, the draft as it would be.
pub const WRITE: &str = "Write it so?";

/// The ends of the questions that may come.
const OURS: &str = "1-2 [1]: ";
const AFTER_LOSS: &str = "1-3 [1]: ";
const PRISMAS: [&str; 2] = ["want to create this migration? ›", "want to create and apply this migration? ›"];
const NAME: &str = "Enter a name for the new migration: ›";
/// Prisma shows it once more when it has it.
const HAS_NAME: &str = "✔ Enter a name for the new migration:";

/// Of every table its rows, and of nothing its name: the same before and after whatever is only renamed.
const PRINTS: &str = r#"
SELECT regexp_replace(query_to_xml(format('SELECT count(*), md5(string_agg(t::text, E''\n'' ORDER BY t::text)) AS print FROM %I.%I t',
    n.nspname, c.relname), false, true, '')::text, '\s+', ' ', 'g')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$' AND c.relname <> '_prisma_migrations' ORDER BY 1"#;

pub struct Story {
    pub cluster: Cluster,
    pub project: Project,
    /// What stands behind the database in the URL.
    pub query: &'static str,
    /// File or folder of the Prisma schema.
    pub schema: &'static str,
}

/// How a command ended.
pub struct Said {
    pub code: i32,
    pub screen: String,
    /// What was asked by us, in that order: the line of the question.
    pub asked: Vec<String>,
}

impl Story {
    /// A project with these models, migrated, and these rows.
    pub fn begin(prisma: Prisma, models: &str, rows: &str) -> Story {
        let story = Story::files(prisma, models);
        let first = format!("prisma/migrations/{FIRST}/migration.sql");
        let sql = story.draft_from_empty();
        assert!(sql.contains("CREATE TABLE"), "{sql}");
        story.project.write(&first, &sql);
        story.cluster.prepare(&story.project, "shop");
        story.cluster.psql("shop", rows);
        story
    }

    /// The files alone, without a migration.
    pub fn files(prisma: Prisma, models: &str) -> Story {
        let cluster = Cluster::start();
        let project = Project::new(prisma, Shape::Product, &cluster, "shop");
        let schema = project.read("prisma/schema.prisma");
        let header = &schema[..schema.find("model ").unwrap()];
        project.write("prisma/schema.prisma", &format!("{header}{models}\n"));
        for name in project.migrations() {
            std::fs::remove_dir_all(project.path(format!("prisma/migrations/{name}"))).unwrap();
        }
        Story { cluster, project, query: "", schema: "prisma/schema.prisma" }
    }

    pub fn url(&self, database: &str) -> String {
        self.cluster.url(database) + self.query
    }

    fn draft_from_empty(&self) -> String {
        self.cluster.create_db("shop");
        let draft = self.project.prisma(&self.migrate_diff("--script"));
        self.cluster.psql("postgres", "DROP DATABASE shop");
        draft.ok().stdout
    }

    /// From the database to the schema.
    fn migrate_diff(&self, how: &'static str) -> Vec<&'static str> {
        let words = if self.project.prisma == Prisma::V7 {
            "migrate diff --from-config-datasource --to-schema SCHEMA"
        } else {
            "migrate diff --from-schema-datasource SCHEMA --to-schema-datamodel SCHEMA"
        };
        let words = words.split(' ').map(|word| if word == "SCHEMA" { self.schema } else { word });
        words.chain([how]).collect()
    }

    pub fn edit(&self, changes: &[(&str, &str)]) -> &Story {
        for (from, to) in changes {
            self.project.edit_schema(from, to);
        }
        self
    }

    /// Other models in place of all of them.
    pub fn rewrite(&self, models: &str) {
        let schema = self.project.read("prisma/schema.prisma");
        let end = schema.find("\nmodel ").into_iter().chain(schema.find("\nenum ")).min().unwrap();
        self.project.write("prisma/schema.prisma", &format!("{}\n{models}\n", &schema[..end]));
    }

    /// The SQL of the last migration.
    pub fn last_sql(&self) -> String {
        self.project.read(format!("prisma/migrations/{}/migration.sql", self.project.migrations().last().unwrap()))
    }

    pub fn psql(&self, sql: &str) -> String {
        self.cluster.psql("shop", sql)
    }

    pub fn prints(&self) -> String {
        self.psql(PRINTS)
    }

    /// `safemigrate dev --name changed`, each of our questions answered by whoever knows it; Prisma is told yes.
    #[track_caller]
    pub fn dev(&self, answers: &[(&str, &str)]) -> Said {
        self.types(&["dev", "--name", "changed"], answers)
    }

    #[track_caller]
    pub fn types(&self, arguments: &[&str], answers: &[(&str, &str)]) -> Said {
        answer(self.project.terminal(arguments), answers)
    }

    /// The last run is proven, Prisma is content, and the folder makes the same database again.
    #[track_caller]
    pub fn proven(&self) {
        self.content("shop");
        self.cluster.create_db("replay");
        self.project.set_url(&self.url("replay"));
        self.project.prisma(&["migrate", "deploy"]).ok();
        let structure = |database: &str| {
            let state = self.cluster.state(database);
            let of_schema = |line: &&str| {
                !["rows ", "sequence "].iter().any(|w| line.starts_with(w)) && !line.contains("_prisma_migrations")
            };
            state.lines().filter(of_schema).map(|line| format!("{line}\n")).collect::<String>()
        };
        same(&structure("shop"), &structure("replay"), "the folder makes another database");
        self.project.set_url(&self.url("shop"));
        self.cluster.psql("postgres", "DROP DATABASE replay");
    }

    /// `migrate status` is clean and `migrate diff` empty; nothing of ours is left on the server.
    #[track_caller]
    pub fn content(&self, database: &str) {
        self.project.prisma(&["migrate", "status"]).ok().says("Database schema is up to date!");
        self.project.prisma(&self.migrate_diff("--exit-code")).ok();
        assert_eq!(self.databases(), database);
    }

    /// Names of all but the server's own.
    pub fn databases(&self) -> String {
        let own =
            "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname !~ '^template|^postgres$'";
        self.cluster.psql("postgres", own)
    }

    /// Folders of the store in which something unfinished would lie.
    pub fn is_tidy(&self) -> bool {
        let left = walkdir::WalkDir::new(self.project.path(".safemigrate/tmp")).into_iter().flatten();
        left.filter(|entry| entry.file_type().is_file()).count() == 0
    }
}

pub const FIRST: &str = "20260101000000_init";

/// Answers each question of ours; fails on one that nobody knows, and when one did not come.
#[track_caller]
pub fn answer(mut terminal: Terminal, answers: &[(&str, &str)]) -> Said {
    let mut open: Vec<&(&str, &str)> = answers.iter().collect();
    let mut asked = Vec::new();
    let mut take = |said: &str| -> Option<String> {
        let at = open.iter().position(|(question, _)| said.contains(question))?;
        Some(open.remove(at).1.to_owned())
    };
    while let Some((which, before)) = terminal.expect_any_or_end(&[OURS, AFTER_LOSS, PRISMAS[0], PRISMAS[1], NAME]) {
        let keys = match which {
            0 | 1 => {
                let question = before.lines().rev().find(|line| !line.starts_with("  ") && !line.is_empty());
                // a progress bar was in its place
                let question = question.unwrap_or_default().rsplit('\r').next().unwrap_or_default().trim().to_owned();
                let keys = take(&question);
                let keys = keys.or_else(|| (which == 1).then(|| YES.to_owned()));
                asked.push(question.clone());
                keys.unwrap_or_else(|| panic!("nobody knows {question:?}:\n{}", terminal.transcript()))
            }
            4 => {
                terminal.send(&take(NAME).unwrap_or_else(|| "typed\r".to_owned()));
                terminal.expect(HAS_NAME);
                continue;
            }
            _ => take("Are you sure").unwrap_or_else(|| "y".to_owned()),
        };
        terminal.send(&keys);
    }
    let code = terminal.wait();
    let screen = terminal.transcript();
    assert!(open.is_empty(), "never asked: {open:?}\n{screen}");
    Said { code, screen, asked }
}

impl Said {
    #[track_caller]
    pub fn code(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{}", self.screen);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Said {
        assert!(self.screen.contains(text), "nowhere says {text:?}:\n{}", self.screen);
        self
    }

    #[track_caller]
    pub fn says_not(self, text: &str) -> Said {
        assert!(!self.screen.contains(text), "says {text:?}:\n{}", self.screen);
        self
    }
}
