//! The database that we name is the one that Prisma names: the project's rules, asked of the real Prisma 6 and 7.

mod support;

use safemigrate::prisma::{Choices, Project};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::Prisma;

const ADDRESS: &str = "postgresql://u:p$w@db.invalid:5432/";

/// One project: its files (`AT:` stands for an address up to the database's name), the flags, the folder to stand in.
struct Case {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    flags: &'static [(&'static str, &'static str)],
    database: Option<&'static str>,
    migrations: &'static str,
}

const SIX: &str = "datasource db {\n provider = \"postgresql\"\n url = env(\"SHOP_URL\")\n}\n";
const SIX_DIRECT: &str =
    "datasource db {\n provider = \"postgresql\"\n url = env(\"SHOP_URL\")\n directUrl = env(\"SHOP_DIRECT\")\n}\n";
const SEVEN: &str = "datasource db {\n provider = \"postgresql\"\n}\n";
const DOTENV_CONFIG: &str = "import \"dotenv/config\";\nimport { defineConfig, env } from \"prisma/config\";\n\
    export default defineConfig({ datasource: { url: env(\"SHOP_URL\") } });\n";

#[tokio::test]
async fn prisma_6() {
    let case = |name, files, flags, database, migrations| Case { name, files, flags, database, migrations };
    for case in [
        case(
            "the file beside package.json",
            &[("prisma/schema.prisma", SIX), (".env", "SHOP_URL=AT:root")],
            &[],
            Some("root"),
            "prisma/migrations",
        ),
        case(
            "the root's file before the schema's",
            &[("prisma/schema.prisma", SIX), (".env", "SHOP_URL=AT:root"), ("prisma/.env", "SHOP_URL=AT:prisma")],
            &[],
            Some("root"),
            "prisma/migrations",
        ),
        case(
            "directUrl wins",
            &[("prisma/schema.prisma", SIX_DIRECT), (".env", "SHOP_URL=AT:pool\nSHOP_DIRECT='AT:direct'")],
            &[],
            Some("direct"),
            "prisma/migrations",
        ),
        case(
            "directUrl is missing",
            &[("prisma/schema.prisma", SIX_DIRECT), (".env", "SHOP_URL=AT:pool")],
            &[],
            None,
            "prisma/migrations",
        ),
        case(
            "expansion",
            &[("prisma/schema.prisma", SIX), (".env", "NAME=x\nexport SHOP_URL=\"AT:${NAME}_y\" # why")],
            &[],
            Some("x_y"),
            "prisma/migrations",
        ),
        case(
            "package.json names a folder",
            &[
                ("package.json", r#"{"prisma":{"schema":"db"}}"#),
                ("db/base/source.prisma", SIX),
                ("db/user.prisma", "model User {\n id Int @id\n}\n"),
                (".env", "SHOP_URL=AT:folder"),
            ],
            &[],
            Some("folder"),
            "db/base/migrations",
        ),
        case(
            "--schema brings its own .env",
            &[
                ("prisma/schema.prisma", SIX),
                ("db/s.prisma", SIX),
                ("db/.env", "SHOP_URL=AT:db"),
                ("prisma/.env", "SHOP_URL=AT:prisma"),
            ],
            &[("--schema", "db/s.prisma")],
            Some("db"),
            "db/migrations",
        ),
        case(
            "a configuration ends the reading of .env",
            &[("prisma/schema.prisma", SIX), (".env", "SHOP_URL=AT:root"), ("prisma.config.ts", "export default {}")],
            &[],
            None,
            "prisma/migrations",
        ),
    ] {
        agree(Prisma::V6, &case).await;
    }
}

#[tokio::test]
async fn prisma_7() {
    let case = |name, files, flags, database, migrations| Case { name, files, flags, database, migrations };
    for case in [
        case(
            "dotenv in the configuration",
            &[("prisma/schema.prisma", SEVEN), (".env", "SHOP_URL=AT:root"), ("prisma.config.ts", DOTENV_CONFIG)],
            &[],
            Some("root"),
            "prisma/migrations",
        ),
        case(
            "no configuration",
            &[("prisma/schema.prisma", SEVEN), (".env", "DATABASE_URL=AT:root")],
            &[],
            None,
            "prisma/migrations",
        ),
        case(
            "prisma7.config before prisma.config, a folder as schema",
            &[
                ("db/a.prisma", SEVEN),
                ("prisma7.config.mjs", "export default { schema: 'db', datasource: { url: 'AT:seven' } }"),
                ("prisma.config.ts", "export default { datasource: { url: 'AT:plain' } }"),
            ],
            &[],
            Some("seven"),
            "db/migrations",
        ),
        case(
            "--config, the schema beside it, its own migrations",
            &[
                ("c/prisma/schema.prisma", SEVEN),
                ("c/my.config.ts", "export default { migrations: { path: 'm' }, datasource: { url: 'AT:flag' } }"),
            ],
            &[("--config", "c/my.config.ts")],
            Some("flag"),
            "c/m",
        ),
    ] {
        agree(Prisma::V7, &case).await;
    }
}

async fn agree(prisma: Prisma, case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::write(root.join("package.json"), "{}").unwrap();
    for (file, text) in case.files {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text.replace("AT:", ADDRESS)).unwrap();
    }
    std::os::unix::fs::symlink(prisma.installation().join("node_modules"), root.join("node_modules")).unwrap();
    assert_eq!(prismas_word(&root, case), case.database.map(str::to_owned), "{}: what Prisma says", case.name);

    let mut choices = Choices { project: Some(root.clone()), ..Choices::default() };
    for (flag, value) in case.flags {
        match *flag {
            "--schema" => choices.schema = Some(value.into()),
            _ => choices.config = Some(value.into()),
        }
    }
    let project = Project::load(&choices, &root).await.unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let ours = project.database_url().ok().map(|(url, _)| url.database);
    assert_eq!(ours, case.database.map(str::to_owned), "{}: what we say", case.name);
    assert_eq!(project.migrations, root.join(case.migrations), "{}", case.name);
}

/// The database in the line that Prisma prints before it connects.
fn prismas_word(root: &Path, case: &Case) -> Option<String> {
    let mut node = Command::new("node");
    node.envs(support::node_environment());
    node.arg(root.join("node_modules/prisma/build/index.js")).args(["migrate", "status"]);
    node.args(case.flags.iter().flat_map(|(flag, value)| [flag, value])).current_dir(root);
    node.env("PRISMA_SCHEMA_ENGINE_BINARY", "/bin/false").env("PRISMA_QUERY_ENGINE_LIBRARY", "/bin/false");
    node.env("CHECKPOINT_DISABLE", "1").env("NO_COLOR", "1").stdin(Stdio::null());
    let output = node.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some(text.split("database \"").nth(1)?.split('"').next()?.to_owned())
}
