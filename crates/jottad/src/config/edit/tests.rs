use super::*;

const BEFORE: &str = "\
# mine
[guard]
max_deletes = 5 # few

# the first
[[folder]]
name = \"docs\"
local = \"/srv/docs\" # on the big disk
remote = \"Jotta/Archive/docs\"
mode = \"backup\" # for now

# the second
[[folder]]
name = \"pics\"
local = \"/srv/pics\"
remote = \"Jotta/Archive/pics\"
";

fn change(text: &str, change: impl FnOnce(&mut Editor<'_>)) -> String {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config.toml");
    fs::write(&file, text).unwrap();
    let places = Places { home: "/home/kari".into(), config_file: file.clone(), state_dir: "/state".into() };
    let mut editor = Editor::open(&places).unwrap();
    change(&mut editor);
    editor.save().unwrap();
    fs::read_to_string(file).unwrap()
}

#[test]
fn rules_are_told_apart_by_commas_or_written_as_a_list() {
    for (text, rules) in [
        ("*.tmp", vec!["*.tmp"]),
        ("*.tmp,*.bak", vec!["*.tmp", "*.bak"]),
        (" *.tmp , node_modules/ ,", vec!["*.tmp", "node_modules/"]),
        (r"a\,b.txt,c", vec!["a,b.txt", "c"]),
        (r"\#x,\!y", vec![r"\#x", r"\!y"]),
        ("*.{tmp,bak},*.o", vec!["*.{tmp,bak}", "*.o"]),
        ("[Bb]uild/,[Oo]bj/", vec!["[Bb]uild/", "[Oo]bj/"]),
        ("[\"a,b\", 'c']", vec!["a,b", "c"]),
        ("", vec![]),
        ("[]", vec![]),
    ] {
        let list = list_value(text).unwrap();
        let found: Vec<&str> = list.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(found, rules, "{text}");
    }
    for text in ["[\"a\"", "[*.tmp, *.bak]", "[\"a\" \"b\"]"] {
        let refused = list_value(text).unwrap_err();
        assert!(refused.message().contains("is not a list"), "{text}: {}", refused.message());
    }
}

#[test]
fn a_wrong_value_is_one_of_the_command_and_what_is_accepted_is_told() {
    for (setting, reason, hint) in [
        ("mode=both", "folder \"docs\": mode: \"both\" is not a mode", "backup, sync, archive or pull"),
        ("max_size=4", "folder \"docs\": max_size: \"4\" has no unit", "unlimited, or a size"),
        ("settle=2", "folder \"docs\": settle: \"2\" is not a duration", "500ms"),
        ("poll=0s", "folder \"docs\": poll: \"0s\" is out of range", "from 1s to 31d"),
        ("scan=x", "folder \"docs\": scan: \"x\" is not", "from 1s to 31d"),
        ("proof=x", "folder \"docs\": proof: \"x\" is not", "auto, or a duration"),
        ("resend=x", "folder \"docs\": resend: \"x\" is not", "up to 31d"),
        ("watch=no", "folder \"docs\": watch: \"no\" is no way", "auto, notify or poll"),
        ("remote=foo", "folder \"docs\": remote: foo: a remote path is", "DEVICE/MOUNTPOINT"),
        ("local=a", "folder \"docs\": local: \"a\" is not an absolute path", "~/Documents"),
        ("ignore=a\\", "folder \"docs\": ignore: the ignore rule", "as in .gitignore"),
        ("name=", "folder: name: \"\" cannot be a folder's name", "without a slash"),
        ("local=/srv/pics", "folder \"pics\": /srv/pics overlaps", "one folder cannot lie inside"),
    ] {
        let before = change(BEFORE, |editor| {
            let (key, value) = setting.split_once('=').unwrap();
            editor.set("docs", key, value).unwrap();
            let failure = editor.check().unwrap_err();
            assert!(failure.message().starts_with(reason), "{setting}: {failure}");
            assert!(failure.to_string().contains(hint), "{setting}: {failure}");
            assert!(!failure.to_string().contains("file"), "{setting}: {failure}");
            *editor = Editor::open(editor.places).unwrap();
        });
        assert_eq!(before, BEFORE, "{setting}");
    }
}

#[test]
fn what_is_accepted_is_told_of_every_key() {
    for key in FOLDER_KEYS {
        assert!(accepted(key).is_some(), "{key}");
    }
}

#[test]
fn adding_appends_a_table_with_its_keys_in_order() {
    let folder = NewFolder {
        name: "music".into(),
        local: "~/Music".into(),
        remote: "Jotta/Archive/Music".into(),
        mode: "sync".into(),
    };
    let table = "[[folder]]\nname = \"music\"\nlocal = \"~/Music\"\nremote = \"Jotta/Archive/Music\"\nmode = \"sync\"\n";
    assert_eq!(change(BEFORE, |editor| editor.add(&folder).unwrap()), format!("{BEFORE}\n{table}"));
    assert_eq!(change("", |editor| editor.add(&folder).unwrap()), table);
}

#[test]
fn setting_changes_one_value_and_keeps_its_comment() {
    let after = change(BEFORE, |editor| assert!(editor.set("docs", "mode", "archive").unwrap()));
    assert_eq!(after, BEFORE.replace("mode = \"backup\" # for now", "mode = \"archive\" # for now"));
    let after =
        change(BEFORE, |editor| assert!(editor.set("pics", "ignore", "[\"*.tmp\", \"x/\"]").unwrap()));
    assert_eq!(after, format!("{BEFORE}ignore = [\"*.tmp\", \"x/\"]\n"));
    change(BEFORE, |editor| assert!(!editor.set("none", "mode", "sync").unwrap()));
}

#[test]
fn removing_takes_one_table_and_leaves_the_rest() {
    let after = change(BEFORE, |editor| assert!(editor.remove("pics").unwrap()));
    assert!(BEFORE.starts_with(after.trim_end()), "{after}");
    let after = change(BEFORE, |editor| assert!(editor.remove("docs").unwrap()));
    assert!(
        after.contains("max_deletes = 5 # few")
            && after.contains("# the second\n[[folder]]\nname = \"pics\"")
    );
    assert!(!after.contains("docs"), "{after}");
}

/// What a change of a file says if it is refused; the file as it is then.
fn try_to(text: &str, change: impl FnOnce(&mut Editor<'_>)) -> (Option<String>, String) {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config.toml");
    fs::write(&file, text).unwrap();
    let places = Places { home: "/home/kari".into(), config_file: file.clone(), state_dir: "/state".into() };
    let refused = Editor::open(&places).and_then(|mut editor| {
        change(&mut editor);
        editor.save()
    });
    let refused = refused.err().map(|failure| failure.message().replace(file.to_str().unwrap(), "FILE"));
    (refused, fs::read_to_string(file).unwrap())
}

fn music(editor: &mut Editor<'_>) {
    let [name, local, remote, mode] =
        ["music", "/srv/music", "Jotta/Archive/music", "sync"].map(str::to_owned);
    editor.add(&NewFolder { name, local, remote, mode }).unwrap();
}

/// One of each kind, none of which is about `docs`.
const CHANGES: [fn(&mut Editor<'_>); 3] = [
    music,
    |editor| assert!(editor.remove("pics").unwrap()),
    |editor| assert!(editor.set("pics", "mode", "archive").unwrap()),
];

#[test]
fn what_is_wrong_with_the_whole_file_is_told_with_its_line_and_nothing_is_changed() {
    for (right, wrong, line, says) in [
        ("max_deletes = 5 # few", "max_deletes = \"x\" # few", 3, "max_deletes"),
        ("[guard]", "[gaurd]", 2, "unknown key `gaurd`"),
        ("mode = \"backup\"", "colour = \"red\"", 10, "unknown key `colour`"),
    ] {
        let text = BEFORE.replace(right, wrong);
        for change in CHANGES {
            let (refused, after) = try_to(&text, change);
            let refused = refused.unwrap();
            assert!(refused.starts_with(&format!("FILE:{line}: ")) && refused.contains(says), "{refused}");
            assert_eq!(after, text, "{wrong}");
        }
    }
    let (refused, after) = try_to("# mine\n[[folder]\n", music);
    assert!(refused.unwrap().starts_with("FILE:2: ") && after == "# mine\n[[folder]\n");
}

/// Once, no folder could be set, added or removed while the table of another one was wrong.
#[test]
fn a_folder_that_is_wrong_hinders_no_change_of_another() {
    for (right, wrong) in [
        ("mode = \"backup\"", "mode = \"mirror\""),
        ("mode = \"backup\"", "settle = \"soon\""),
        ("remote = \"Jotta/Archive/docs\"", "remote = \"docs\""),
        ("remote = \"Jotta/Archive/docs\"", ""),
    ] {
        let text = BEFORE.replace(right, wrong);
        for change in CHANGES {
            let (refused, after) = try_to(&text, change);
            assert_eq!(refused, None, "{wrong}");
            assert!(after != text && after.contains(wrong), "{after}");
        }
        // What is set of the wrong one itself mends it, or is refused.
        let (refused, after) = try_to(&text, |editor| assert!(editor.set("docs", "scan", "1h").unwrap()));
        assert!(refused.is_some() && after == text, "{wrong}");
    }
}

#[test]
fn the_folder_that_is_wrong_can_be_removed_or_mended() {
    let removed = change(BEFORE, |editor| assert!(editor.remove("docs").unwrap()));
    for (right, wrong, key, value) in [
        ("mode = \"backup\"", "mode = \"mirror\"", "mode", "backup"),
        ("remote = \"Jotta/Archive/docs\"", "remote = \"docs\"", "remote", "Jotta/Archive/docs"),
        ("local = \"/srv/docs\"", "local = \"/srv/pics\"", "local", "/srv/docs"),
    ] {
        let text = BEFORE.replace(right, wrong);
        let (refused, after) = try_to(&text, |editor| assert!(editor.set("docs", key, value).unwrap()));
        assert_eq!((refused, after.as_str()), (None, BEFORE), "{wrong}");
        let (refused, after) = try_to(&text, |editor| assert!(editor.remove("docs").unwrap()));
        assert_eq!((refused, &after), (None, &removed), "{wrong}");
    }
    let unknown_key = BEFORE.replace("mode = \"backup\"", "colour = \"red\"");
    let (refused, after) = try_to(&unknown_key, |editor| assert!(editor.remove("docs").unwrap()));
    assert_eq!((refused, after), (None, removed));
    // One that does not mend it says what is wrong by now.
    let text = BEFORE.replace("mode = \"backup\"", "mode = \"mirror\"");
    let (refused, after) = try_to(&text, |editor| assert!(editor.set("docs", "mode", "copy").unwrap()));
    assert!(refused.unwrap().contains("copy") && after == text);
}

#[test]
fn of_several_folders_that_are_wrong_one_is_mended_at_a_time() {
    let one = BEFORE.replace("mode = \"backup\"", "mode = \"mirror\"");
    let both = format!("{one}poll = \"soon\"\n");
    let (refused, after) = try_to(&both, |editor| assert!(editor.set("pics", "poll", "10m").unwrap()));
    assert_eq!((refused, after), (None, format!("{one}poll = \"10m\"\n")));
    let (refused, _) = try_to(&both, |editor| assert!(editor.remove("pics").unwrap()));
    assert_eq!(refused, None);
    let (refused, after) = try_to(&both, |editor| assert!(editor.set("pics", "scan", "1h").unwrap()));
    assert!(refused.is_some() && after == both);
    // Of one folder all that is wrong is mended in one command.
    let twice = BEFORE.replace("mode = \"backup\"", "mode = \"mirror\"\npoll = \"soon\"");
    change(&twice, |editor| {
        assert!(editor.set("docs", "mode", "backup").unwrap());
        let refused = editor.check().unwrap_err().to_string();
        assert!(refused.contains("set poll in the same command: poll may be a duration"), "{refused}");
        assert!(editor.set("docs", "poll", "10m").unwrap());
    });
}

#[test]
fn a_change_that_makes_the_file_wrong_is_refused_and_the_file_stays() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config.toml");
    fs::write(&file, BEFORE).unwrap();
    let places = Places { home: "/home/kari".into(), config_file: file.clone(), state_dir: "/state".into() };
    for (key, text) in [("mode", "mirror"), ("name", "pics"), ("local", "/srv/pics/x"), ("poll", "soon")] {
        let mut editor = Editor::open(&places).unwrap();
        assert!(editor.set("docs", key, text).unwrap());
        assert!(editor.save().is_err(), "{key}={text}");
    }
    let mut editor = Editor::open(&places).unwrap();
    let failure = editor.set("docs", "colour", "red").unwrap_err();
    assert_eq!(
        failure.to_string(),
        "error: \"colour\" is no key of a folder\n\
         hint: the keys are name, local, remote, mode, ignore, settle, poll, proof, scan, watch, max_size, resend"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), BEFORE);
}

#[test]
fn a_linked_file_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().unwrap();
    let (real, link) = (place.path().join("real.toml"), place.path().join("config.toml"));
    fs::write(&real, BEFORE).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let places = Places { home: "/home/kari".into(), config_file: link.clone(), state_dir: "/state".into() };
    let mut editor = Editor::open(&places).unwrap();
    editor.remove("pics").unwrap();
    editor.save().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(!fs::read_to_string(&real).unwrap().contains("pics"));
}
