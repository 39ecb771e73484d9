//! What the config file may say, and what is said when it says something else.

use super::*;

/// The example that is installed with the program.
const EXAMPLE: &str = include_str!("../../../../config/jottad.toml");

fn places() -> Places {
    Places {
        home: "/home/kari".into(),
        config_file: "/home/kari/.config/jottad/config.toml".into(),
        state_dir: "/home/kari/.local/state/jottad".into(),
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, &places())
}

/// The example with the lines uncommented that look like settings.
fn example_with_everything() -> String {
    let mut uncommented = String::new();
    for line in EXAMPLE.lines() {
        let setting = line.strip_prefix("# ").filter(|rest| rest.starts_with("[[") || rest.contains(" = "));
        uncommented.push_str(setting.unwrap_or(line));
        uncommented.push('\n');
    }
    uncommented
}

#[test]
fn the_example_says_what_is_so_without_it() {
    assert_eq!(parse(EXAMPLE).unwrap(), parse("").unwrap());
}

#[test]
fn the_example_shows_every_setting_at_its_default() {
    let shown = parse(&example_with_everything()).unwrap();
    assert_eq!(shown.service, parse("").unwrap().service);
    let minimal =
        "[[folder]]\nname = \"docs\"\nlocal = \"~/Documents\"\nremote = \"Jotta/Archive/Documents\"\n";
    assert_eq!(shown, parse(minimal).unwrap());
    // Every key of the raw shape stands in it: a key that is left out there would fail to be unknown here.
    for key in [
        "brand",
        "credentials",
        "events",
        "jfs_url",
        "api_url",
        "www_url",
        "id_url",
        "uploads",
        "downloads",
        "upload_limit",
        "download_limit",
        "md5_memory_limit",
        "resume_limit",
        "max_deletes",
        "max_delete_percent",
        "hard_delete",
        "local_trash_days",
        "local_trash_limit",
        "name",
        "local",
        "remote",
        "mode",
        "ignore",
        "settle",
        "poll",
        "proof",
        "scan",
        "watch",
        "max_size",
        "resend",
    ] {
        assert!(example_with_everything().contains(&format!("\n{key} = ")), "{key}");
    }
}

#[test]
fn values_mean_what_people_write() {
    let config = parse(
        "[transfer]\nuploads = 3\nupload_limit = \"2 MiB\"\n[guard]\nmax_deletes = 0\n\
         [[folder]]\nname = \"docs\"\nlocal = \"~/Documents/\"\nremote = \"jotta/Archive/a:b\"\nmode = \"archive\"\n\
         ignore = [\"*.tmp\"]\nsettle = \"2s\"\npoll = \"1m\"\nproof = \"1h\"\nscan = \"1d 2h\"\nmax_size = \"4 GiB\"\n",
    )
    .unwrap();
    assert_eq!(config.transfer.uploads, Parallel::Fixed(3));
    assert_eq!(config.transfer.upload_limit, Some(2 << 20));
    assert_eq!(config.guard.delete_limits.max_deletes, 0);
    let folder = config.folder("docs").unwrap();
    assert_eq!(folder.local, Path::new("/home/kari/Documents"));
    assert_eq!(folder.remote.to_string(), "jotta/Archive/a:b");
    assert_eq!((folder.mode, folder.settle), (Mode::Archive, Duration::from_secs(2)));
    assert_eq!((folder.poll, folder.scan), (Duration::from_mins(1), Duration::from_hours(26)));
    assert_eq!(folder.proof, ProofInterval::Every(Duration::from_hours(1)));
    assert_eq!(folder.max_size, Some(4 << 30));
}

#[test]
fn errors_name_the_file_the_line_the_key_and_what_is_allowed() {
    let folder = |line: &str| {
        format!(
            "[[folder]]\nname = \"docs\"\nlocal = \"~/Documents\"\nremote = \"Jotta/Archive/docs\"\n{line}\n"
        )
    };
    let cases = [
        (
            "[guard]\nmax_delete = 3",
            "2: unknown key `max_delete`, expected one of `max_deletes`, `max_delete_percent`, `hard_delete`, `local_trash_days`, `local_trash_limit`",
        ),
        (
            "[transfer]\nno_versions = true",
            "2: no_versions: not offered, because the service can only be kept from making a version by destroying the file before it is sent: it is missing meanwhile, and lost if sending it fails",
        ),
        ("colour = 1", "1: unknown key `colour`, expected one of `service`, `transfer`, `guard`, `folder`"),
        (
            "[guard]\n\nmax_deletes = \"many\"",
            "3: [guard]: max_deletes: the text \"many\" stands where a whole number from 0 up is needed",
        ),
        (
            "[guard]\nmax_delete_percent = 101",
            "2: [guard]: max_delete_percent: 101 stands where a whole number from 0 to 100 is needed",
        ),
        (
            "[guard]\nhard_delete = \"yes\"",
            "2: [guard]: hard_delete: the text \"yes\" stands where true or false is needed",
        ),
        (
            "[transfer]\nuploads = \"many\"",
            "2: [transfer]: uploads: \"many\" is neither \"auto\" nor a number",
        ),
        (
            "[transfer]\nuploads = 0",
            "2: [transfer]: uploads: 0 stands where a whole number from 1 to 64 is needed",
        ),
        (
            "[transfer]\nupload_limit = \"fast\"",
            "2: [transfer]: upload_limit: \"fast\" is not a size: write for example \"10 MiB\" or \"500 kB\", or \"unlimited\"",
        ),
        (
            "[transfer]\nupload_limit = \"0\"",
            "2: [transfer]: upload_limit: a limit of 0 would stop everything: write \"unlimited\", or `jottad pause`",
        ),
        (
            "[service]\nbrand = \"acme\"",
            "2: [service]: brand: \"acme\" is not a known brand: use one of jottacloud, elgiganten_dk, elgiganten_se, elkjop, elko, gigantti, letsgo, mediamarkt, onlime, phonero, tele2, telia_no, telia_se",
        ),
        (
            "[service]\njfs_url = \"ftp://x\"",
            "2: [service]: jfs_url: \"ftp://x\" is not a URL that starts with https://",
        ),
        ("[[folder]]\nlocal = \"/a\"\n", "1: folder: the key \"name\" is missing: name = \"docs\""),
        (
            "[[folder]]\nname = \"a/b\"\n",
            "2: folder: name: \"a/b\" cannot be a folder's name: it has a slash or a control character in it",
        ),
        (
            "[[folder]]\nname = \"a\"\nlocal = \"b\"\n",
            "3: folder \"a\": local: \"b\" is not an absolute path: begin it with / or ~/",
        ),
        (
            "[[folder]]\nname = \"a\"\nlocal = \"~kari/b\"\n",
            "3: folder \"a\": local: \"~kari/b\": only ~ for your own home directory is understood",
        ),
        (
            &folder("mode = \"mirror\""),
            "5: folder \"docs\": mode: \"mirror\" is not a mode: use backup, sync, archive or pull",
        ),
        (
            &folder("max_size = \"0\""),
            "5: folder \"docs\": max_size: a limit of 0 would keep every file out: write \"unlimited\", or `jottad pause`",
        ),
        (
            &folder("max_size = \"huge\""),
            "5: folder \"docs\": max_size: \"huge\" is not a size: write for example \"10 MiB\" or \"500 kB\", or \"unlimited\"",
        ),
        (
            &folder("ignore = \"*.tmp\""),
            "5: folder \"docs\": ignore: the text \"*.tmp\" stands where a list of texts in quotes is needed",
        ),
        (&folder("settle = 500"), "5: folder \"docs\": settle: 500 stands where a text in quotes is needed"),
        (
            &folder("settle = \"soon\""),
            "5: folder \"docs\": settle: \"soon\" is not a duration: write for example \"500ms\", \"10m\" or \"6h\"",
        ),
        (&folder("poll = \"1ms\""), "5: folder \"docs\": poll: \"1ms\" is out of range: from 1 s to 31 d"),
        (
            &folder("watch = \"never\""),
            "5: folder \"docs\": watch: \"never\" is no way to watch: use auto, notify or poll",
        ),
        (
            "[[folder]]\nname = \"t\"\nlocal = \"/t\"\nremote = \"Jotta/Trash\"\n",
            "4: folder \"t\": remote: \"Jotta/Trash\" is a view that cannot be written: use Jotta/Archive, Jotta/Sync or a device of your own",
        ),
    ];
    for (text, expected) in cases {
        let error = parse(text).expect_err(text).to_string();
        assert_eq!(error, format!("/home/kari/.config/jottad/config.toml:{expected}"), "{text}");
    }
}

#[test]
fn what_keeps_files_out_is_refused_where_it_is_written() {
    let folder = |line: &str| {
        format!(
            "[[folder]]\nname = \"docs\"\nlocal = \"~/Documents\"\nremote = \"Jotta/Archive/docs\"\n{line}\n"
        )
    };
    let cases: &[(&str, &str)] = &[
        (
            &folder("max_size = \"4\""),
            "5: folder \"docs\": max_size: \"4\" has no unit: write for example \"4 MiB\", or \"4 B\" for bytes, or \"unlimited\"",
        ),
        (
            &folder("ignore = [\n  \"*.tmp\",\n  \"[z-a]\",\n  \"*.o\",\n]"),
            "7: folder \"docs\": ignore: the ignore rule \"[z-a]\" cannot be understood: error parsing glob '[z-a]': invalid range; 'z' > 'a'",
        ),
    ];
    for (text, expected) in cases {
        let error = parse(text).expect_err(text).to_string();
        assert_eq!(error, format!("/home/kari/.config/jottad/config.toml:{expected}"), "{text}");
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let error = parse("[guard]\nmax_deletes = = 3\n").unwrap_err();
    assert_eq!(error.line, Some(2), "{error}");
    let error = parse("[guard]\nmax_deletes = 1\nmax_deletes = 2\n").unwrap_err();
    assert_eq!(error.line, Some(3), "{error}");
}

#[test]
fn folders_must_not_fight() {
    let two = |one: (&str, &str, &str), two: (&str, &str, &str)| {
        let table = |(name, local, remote): (&str, &str, &str)| {
            format!("[[folder]]\nname = \"{name}\"\nlocal = \"{local}\"\nremote = \"{remote}\"\n")
        };
        parse(&(table(one) + &table(two)))
    };
    let docs = ("docs", "/srv/docs", "Jotta/Archive/docs");
    let cases = [
        (("docs", "/srv/x", "Jotta/Archive/x"), "two folders are called \"docs\""),
        (
            ("x", "/srv/docs/inner", "Jotta/Archive/x"),
            "folder \"x\": /srv/docs/inner overlaps with /srv/docs of folder \"docs\"",
        ),
        (("x", "/srv", "Jotta/Archive/x"), "folder \"x\": /srv overlaps with /srv/docs of folder \"docs\""),
        (
            ("x", "/srv/x", "Jotta/archive/DOCS/x"),
            "folder \"x\": Jotta/archive/DOCS/x overlaps with Jotta/Archive/docs of folder \"docs\"",
        ),
        (
            ("x", "/home/kari/.local/state/jottad/index", "Jotta/Archive/x"),
            "folder \"x\": /home/kari/.local/state/jottad/index lies in jottad's own state in /home/kari/.local/state/jottad",
        ),
    ];
    for (other, expected) in cases {
        let error = two(docs, other).unwrap_err();
        assert_eq!((error.reason.as_str(), error.line), (expected, Some(5)));
        assert!(error.hint.is_some(), "{error}");
    }
    assert!(two(docs, ("x", "/srv/docs2", "Jotta/Archive/docs2")).is_ok());
    // What is jottad's own is left out of what it lies in.
    let config = two(docs, ("home", "/home/kari", "Jotta/Archive/home")).unwrap();
    assert_eq!(config.folders[1].own[0], "/.local/state/jottad/");
    assert!(config.folders[0].own.is_empty());
}

#[test]
fn a_wrong_folder_is_set_apart_and_the_others_run() {
    let good = "[[folder]]\nname = \"docs\"\nlocal = \"/srv/docs\"\nremote = \"Jotta/Archive/docs\"\n";
    let other = |more: &str| format!("[[folder]]\nname = \"x\"\n{more}\n");
    let places_of_x = "local = \"/srv/x\"\nremote = \"Jotta/Archive/x\"\n";
    for (more, reason) in [
        (format!("{places_of_x}ignore = [\"a\\\\\"]"), "ignore"),
        (format!("{places_of_x}mode = \"mirror\""), "mode"),
        ("remote = \"Jotta/Archive/x\"".to_owned(), "\"local\" is missing"),
        ("local = \"/srv/x\"\nremote = \"Jotta/Trash/x\"".to_owned(), "cannot be written"),
        ("local = \"/srv/docs/x\"\nremote = \"Jotta/Archive/x\"".to_owned(), "overlaps"),
        ("local = \"/srv/x\"\nremote = \"Jotta/Archive/docs\"".to_owned(), "overlaps"),
    ] {
        for text in [good.to_owned() + &other(&more), other(&more) + good] {
            let config = Config::parse_tolerantly(&text, &places()).unwrap();
            assert_eq!(config.folders.len(), 1, "{more}");
            let wrong = &config.wrong[0];
            assert!(wrong.is_in_file && wrong.reason().contains(reason), "{more}: {}", wrong.reason());
            assert!(Config::parse(&text, &places()).is_err(), "{more}");
        }
    }
    // Without a name, nobody could be told of it.
    assert!(Config::parse_tolerantly(&(good.to_owned() + "[[folder]]\n" + places_of_x), &places()).is_err());
    assert!(Config::parse_tolerantly(&(good.to_owned() + "[guard]\nmax_deletes = -1\n"), &places()).is_err());
}

#[test]
fn the_folder_whose_path_is_a_link_is_the_wrong_one_wherever_it_stands() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path().canonicalize().unwrap();
    fs::create_dir_all(top.join("docs/inner")).unwrap();
    std::os::unix::fs::symlink(top.join("docs/inner"), top.join("pics")).unwrap();
    let table = |name: &str| {
        let local = top.join(name);
        format!("[[folder]]\nname = \"{name}\"\nlocal = {local:?}\nremote = \"Jotta/Archive/{name}\"\n")
    };
    for text in [table("docs") + &table("pics"), table("pics") + &table("docs")] {
        // The file is as it was when all was well: it is no error.
        let config = parse(&text).unwrap();
        assert_eq!(config.folders.iter().map(|folder| folder.name.as_str()).collect::<Vec<_>>(), ["docs"]);
        let wrong = config.wrong_folder("pics").unwrap();
        assert!(!wrong.is_in_file && wrong.reason().contains("leads to "), "{}", wrong.reason());
        assert!(wrong.reason().contains("jottad folder set pics local="), "{}", wrong.reason());
    }
}

#[test]
fn a_link_above_a_folder_makes_that_folder_the_wrong_one() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path().canonicalize().unwrap();
    fs::create_dir_all(top.join("docs/media/pics")).unwrap();
    std::os::unix::fs::symlink(top.join("docs/media"), top.join("media")).unwrap();
    // Both are reached by one link more, which makes neither lie in the other.
    std::os::unix::fs::symlink(&top, top.join("home")).unwrap();
    for home in [top.clone(), top.join("home")] {
        let table = |name: &str, directory: &str| {
            let local = home.join(directory);
            format!("[[folder]]\nname = \"{name}\"\nlocal = {local:?}\nremote = \"Jotta/Archive/{name}\"\n")
        };
        let (docs, pics) = (table("docs", "docs"), table("pics", "media/pics"));
        for text in [docs.clone() + &pics, pics + &docs] {
            let config = parse(&text).unwrap();
            assert!(config.folder("docs").is_some(), "{:?}", config.wrong);
            let reason = config.wrong_folder("pics").unwrap().reason();
            assert!(reason.contains("jottad folder set pics local="), "{reason}");
        }
    }
}

#[test]
fn the_place_of_a_folder_that_is_held_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path().canonicalize().unwrap();
    fs::create_dir_all(top.join("docs/inner")).unwrap();
    std::os::unix::fs::symlink(top.join("docs/inner"), top.join("pics")).unwrap();
    let table = |name: &str, remote: &str, more: &str| {
        let local = top.join(name);
        format!(
            "[[folder]]\nname = \"{name}\"\nlocal = {local:?}\nremote = \"Jotta/Archive/{remote}\"\n{more}"
        )
    };
    let docs = table("docs", "docs", "");
    // Held for a link, or for what its table says.
    for pics in [table("pics", "pics", ""), table("pics", "pics", "mode = \"mirror\"\n")] {
        let new = table("new", "pics/2024", "");
        for text in [docs.clone() + &pics + &new, pics.clone() + &docs + &new] {
            let config = Config::parse_tolerantly(&text, &places()).unwrap();
            assert_eq!(config.folders.len(), 1);
            let reason = &config.wrong_folder("new").unwrap().error.reason;
            assert!(
                reason
                    .ends_with("Jotta/Archive/pics/2024 overlaps with Jotta/Archive/pics of folder \"pics\"")
            );
            assert!(parse(&text).is_err());
        }
        // The file is wrong, whatever the disk has made of it besides.
        assert!(parse(&(docs.clone() + &new + &pics)).is_err());
    }
    // One that overlaps with others by what the file says takes nothing away from those.
    let wide = "[[folder]]\nname = \"wide\"\nlocal = \"/srv/w\"\nremote = \"Jotta/Archive\"\n";
    let config = Config::parse_tolerantly(&(docs + wide + &table("other", "other", "")), &places()).unwrap();
    assert_eq!(config.folders.len(), 2, "{:?}", config.wrong);
}

#[test]
fn what_mends_a_wrong_folder_follows_from_its_key_whatever_is_said_of_it() {
    let text = "[[folder]]\nname = \"docs\"\nlocal = \"~/docs\"\nremote = \"Jotta/Archive/docs\"\n";
    for (line, command) in [
        ("mode = \"mirror\"", Some("jottad folder set docs mode=VALUE")),
        ("ignore = [\"a{b\"]", Some("jottad folder set docs ignore=VALUE")),
        ("poll = 3", Some("jottad folder set docs poll=VALUE")),
    ] {
        let config = Config::parse_tolerantly(&format!("{text}{line}\n"), &places()).unwrap();
        let mut wrong = config.wrong[0].clone();
        wrong.error.reason = "some other text".to_owned();
        let (_, first) = wrong.choices().remove(0);
        assert_eq!(Some(first.as_str()), command, "{line}");
    }
    let config = Config::parse_tolerantly("[[folder]]\nname = \"docs\"\n", &places()).unwrap();
    let (_, first) = config.wrong[0].choices().remove(0);
    assert_eq!(first, "jottad folder set docs local=VALUE", "what is missing can be set, too");
}
