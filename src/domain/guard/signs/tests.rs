use super::super::verdict;
use super::*;

fn facts(host: &str, database: &str) -> Facts {
    Facts {
        host: host.into(),
        database: database.into(),
        address: Address::new(host, 5432, database, "jo"),
        production_patterns: vec![],
        development_patterns: vec![],
        variables: vec![],
        production_files: vec![],
        mark: None,
        identity: None,
        registered: vec![],
        surroundings: Surroundings::default(),
        claims: vec![],
    }
}

fn set(name: &str, value: &str) -> Vec<Variable> {
    vec![Variable { name: name.into(), value: value.into(), from: "the environment".into() }]
}

#[test]
fn table() {
    use Verdict::*;
    let local = || facts("localhost", "shop");
    let neon = || facts("ep-x.eu.aws.neon.tech", "shop_dev");
    let files =
        |host: &str| vec![(".env.production".to_owned(), "URL".to_owned(), Address::new(host, 5432, "shop", "other"))];
    let development = |pattern: &str| vec![pattern.to_owned()];
    let mark = |here| Some(MarkFact { here, database: "shop".into() });
    for (name, facts, expected) in [
        ("local", local(), Development),
        ("socket", facts("/tmp/prod-x", "shop"), Development),
        ("name", facts("localhost", "shop_prod"), Production),
        ("host", facts("prod-db.internal", "shop"), Production),
        ("public end", facts("db.example.live", "shop"), Unknown),
        ("staging", facts("localhost", "shop_staging"), Unknown),
        ("managed", neon(), Unknown),
        ("remote", facts("db.example.com", "shop"), Unknown),
        ("NODE_ENV", Facts { variables: set("NODE_ENV", " Production "), ..local() }, Production),
        ("APP_ENV", Facts { variables: set("APP_ENV", "live"), ..local() }, Production),
        ("development is no proof", Facts { variables: set("NODE_ENV", "development"), ..neon() }, Unknown),
        ("pattern", Facts { production_patterns: development("local*"), ..local() }, Production),
        ("pattern with database", Facts { production_patterns: development("localhost/shop"), ..local() }, Production),
        ("own word", Facts { development_patterns: development("*.neon.tech"), ..neon() }, Development),
        (
            "own word over names",
            Facts { development_patterns: development("prod-db.*"), ..facts("prod-db.internal", "x") },
            Development,
        ),
        (
            "own word over NODE_ENV",
            Facts { development_patterns: development("shop"), variables: set("NODE_ENV", "production"), ..local() },
            Development,
        ),
        ("not over a mark", Facts { development_patterns: development("*"), mark: mark(true), ..local() }, Production),
        (
            "not over production",
            Facts { development_patterns: development("*"), production_patterns: development("shop"), ..local() },
            Production,
        ),
        ("copy", Facts { mark: mark(false), ..local() }, Unknown),
        ("file", Facts { production_files: files("127.0.0.1"), ..local() }, Production),
        ("other file", Facts { production_files: files("db.example.com"), ..local() }, Development),
    ] {
        assert_eq!(verdict(&gather(&facts)), expected, "{name}: {:?}", gather(&facts));
    }
}

#[test]
fn evidence_tells_what_was_seen() {
    let facts = Facts { production_patterns: vec!["sh*".into()], ..facts("db.example.com", "shop") };
    let details: Vec<_> = gather(&facts).into_iter().map(|e| e.detail).collect();
    let expected =
        ["[guard] production of safemigrate.toml: \"sh*\" matches shop", "db.example.com is a remote server"];
    assert_eq!(details, expected);
}

/// Setups of honest people: none is refused, and each is asked at most once.
#[test]
fn honest_setups_are_asked_at_most_once() {
    let identity = |database: &str| Identity { system: Some("74".into()), database: database.into(), oid: Some(5) };
    let honest = |host: &str, database: &str, change: fn(&mut Facts)| {
        let mut facts = Facts { identity: Some(identity(database)), ..facts(host, database) };
        change(&mut facts);
        facts
    };
    let setups: [(&str, bool, Facts); 20] = [
        ("local PostgreSQL", false, honest("localhost", "shop", |_| {})),
        ("by address", false, honest("127.0.0.1", "shop", |f| f.surroundings.address = "127.0.0.1".parse().ok())),
        ("IPv6", false, honest("::1", "shop", |f| f.surroundings.address = "::1".parse().ok())),
        ("socket", false, honest("/var/run/postgresql", "shop", |_| {})),
        ("compose service", false, honest("db", "shop", |f| f.surroundings.address = "172.18.0.2".parse().ok())),
        (
            "docker, published port",
            true,
            honest("localhost", "shop", |f| f.surroundings.address = "172.17.0.2".parse().ok()),
        ),
        ("devcontainer", false, honest("host.docker.internal", "shop_dev", |_| {})),
        ("prisma dev", false, honest("localhost", "template1", |_| {})),
        ("NODE_ENV unset", false, honest("localhost", "shop", |f| f.variables.clear())),
        ("tests", false, honest("localhost", "shop_test", |f| f.variables = set("NODE_ENV", "test"))),
        ("CI service", false, honest("postgres", "ci", |_| {})),
        ("local Supabase", true, honest("127.0.0.1", "postgres", |f| f.surroundings.provider = Some("Supabase"))),
        ("Neon branch", true, honest("ep-x.eu.aws.neon.tech", "shop", |f| f.surroundings.provider = Some("Neon"))),
        ("Supabase branch", true, honest("db.ref.supabase.co", "postgres", |_| {})),
        (
            "Vercel preview",
            true,
            honest("x.vercel-storage.com", "verceldb", |f| f.variables = set("VERCEL_ENV", "development")),
        ),
        ("a server of the team", true, honest("dev.example.com", "shop_jo", |_| {})),
        ("listed host", false, honest("dev.example.com", "shop", |f| f.development_patterns = vec!["dev.*".into()])),
        (
            "a colleague is connected",
            true,
            honest("localhost", "shop", |f| f.surroundings.clients = vec!["10.0.0.7".into()]),
        ),
        (
            "a copy of production",
            true,
            honest("localhost", "shop", |f| f.mark = Some(MarkFact { here: false, database: "shop".into() })),
        ),
        (
            "beside production",
            true,
            honest("localhost", "play", |f| {
                f.registered = vec![Identity { oid: Some(9), ..f.identity.clone().unwrap() }]
                    .into_iter()
                    .map(|mut i| {
                        i.database = "shop".into();
                        i
                    })
                    .collect()
            }),
        ),
    ];
    for (name, asked, facts) in setups {
        let evidence = gather(&facts);
        assert_eq!(
            verdict(&evidence),
            if asked { Verdict::Unknown } else { Verdict::Development },
            "{name}: {evidence:?}"
        );
        let (id, host) = (facts.identity.clone().unwrap(), facts.address.host.clone());
        let said = vec![Claim::despite(id, host, &evidence, "2026-11-23T10:00:00Z".into())];
        let after = gather(&Facts { claims: said.clone(), ..facts.clone() });
        assert_eq!(verdict(&after), Verdict::Development, "{name}: {after:?}");
        // what was not known then is asked about, and production stays production
        let standbys = Surroundings { standbys: 2, ..facts.surroundings.clone() };
        let changed = gather(&Facts { claims: said.clone(), surroundings: standbys, ..facts.clone() });
        if facts.development_patterns.is_empty() {
            assert_eq!(verdict(&changed), Verdict::Unknown, "{name}: {changed:?}");
        }
        // a copy of the storage has the same identity, and stands elsewhere
        let elsewhere = Address::new("db.example.com", 5432, "shop", "jo");
        let moved = Facts { host: "db.example.com".into(), address: elsewhere, claims: said.clone(), ..facts.clone() };
        assert_ne!(verdict(&gather(&moved)), Verdict::Development, "{name}");
        let mark = Some(MarkFact { here: true, database: "shop".into() });
        assert_eq!(verdict(&gather(&Facts { claims: said, mark, ..facts })), Verdict::Production, "{name}");
    }
}
