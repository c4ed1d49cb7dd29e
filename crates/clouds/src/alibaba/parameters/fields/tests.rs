use super::*;

fn with<T>(pairs: &[(&str, &str)], read: impl FnOnce(&Fields<'_>) -> T) -> T {
    read(&Fields::of(&Tree::of(pairs.iter().copied())))
}

fn said(result: Result<impl std::fmt::Debug, Refusal>) -> (ErrorCode, String) {
    let refusal = result.unwrap_err();
    (refusal.code(), refusal.message().into_owned())
}

#[test]
fn what_is_empty_is_as_nothing() {
    let pairs = [("Limit", ""), ("Name", ""), ("Flag", "")];
    with(&pairs, |fields| {
        assert_eq!(fields.number("Limit", 1..=9), Ok(None));
        assert_eq!(fields.boolean("Flag"), Ok(None));
        assert_eq!(fields.blank_or("Name"), Some(""));
        let missing = said(fields.required::<String>("Name"));
        let text =
            "The input parameter \"Name\" that is mandatory for processing this request is not supplied.";
        assert_eq!(missing, (ErrorCode::MissingParameter, text.to_owned()));
    });
}

#[test]
fn booleans_in_every_case_and_numbers_in_their_range() {
    for (text, expected) in
        [("True", Some(true)), ("FALSE", Some(false)), ("true", Some(true)), ("1", None), ("yes", None)]
    {
        with(&[("Flag", text)], |fields| {
            assert_eq!(fields.boolean("Flag").ok(), expected.map(Some), "{text}");
        });
    }
    for (text, fits) in [
        ("1", true),
        ("9", true),
        ("0", false),
        ("10", false),
        ("1.0", false),
        ("99999999999", false),
        ("x", false),
    ] {
        with(&[("Limit", text)], |fields| {
            assert_eq!(fields.number::<i32>("Limit", 1..=9).is_ok(), fits, "{text}");
        });
    }
    for (text, fits) in [
        ("1.0", true),
        ("0.25", true),
        ("2", true),
        ("-1", false),
        ("inf", false),
        ("NaN", false),
        ("1e9", false),
        (".", false),
    ] {
        with(&[("Cpu", text)], |fields| assert_eq!(fields.quantity("Cpu").is_ok(), fits, "{text}"));
    }
}

#[test]
fn a_list_keeps_its_bound_and_names_the_member() {
    let pairs = [("Image.1", "a"), ("Image.3", ""), ("Image.2", "b")];
    with(&pairs, |fields| {
        assert_eq!(fields.list::<String>("Image", 3).unwrap(), ["a", "b", ""]);
        let (code, text) = said(fields.list::<String>("Image", 2));
        assert_eq!(code, ErrorCode::InvalidParameterLengthExceeded);
        assert_eq!(text, "The length of the specified parameter \"Image\" exceeds the limit of 2.");
        let (code, text) = said(fields.list::<u8>("Image", 3));
        assert_eq!(code, ErrorCode::InvalidParameter);
        assert_eq!(text, "The specified parameter \"Image.1\" is not valid.");
    });
}

#[test]
fn nested_names_are_whole_in_what_is_said() {
    let pairs = [("Container.2.Port.1.Port", "x"), ("Container.2.Name", "web")];
    with(&pairs, |fields| {
        let read = fields.objects("Container", 20, |container| {
            container.objects("Port", 20, |port| port.required::<u16>("Port"))
        });
        assert_eq!(said(read).1, "The specified parameter \"Container.2.Port.1.Port\" is not valid.");
        assert_eq!(fields.object("Container", |all| Ok(all.name("x"))), Ok(Some("Container.x".to_owned())));
        assert_eq!(fields.object("Absent", |_| Ok(())), Ok(None));
    });
}

#[test]
fn commas_separate_and_spaces_do_not_matter() {
    with(&[("VSwitchId", "a, b,,c"), ("Empty", ",")], |fields| {
        assert_eq!(fields.separated::<String>("VSwitchId", 3).unwrap().unwrap(), ["a", "b", "c"]);
        assert_eq!(fields.separated::<String>("Empty", 3).unwrap().unwrap(), [""; 0]);
        assert!(fields.separated::<String>("VSwitchId", 2).is_err());
    });
}
