use serde_json::json;

use super::*;

fn read(name: OperationName, parameters: &Value) -> Result<Operation, Error> {
    let Value::Object(map) = parameters.clone() else { panic!("an object") };
    Operation::parse(name, map, Form::Json)
}

fn create_with(more: &Value) -> Result<CreateImageCache, Error> {
    let mut all = json!({"Images": ["nginx"], "VpcId": "vpc-1", "SubnetId": "subnet-1"});
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    match read(OperationName::CreateImageCache, &all)? {
        Operation::CreateImageCache(create) => Ok(create),
        other => panic!("{other:?}"),
    }
}

fn refused(result: Result<impl std::fmt::Debug, Error>) -> (Code, String) {
    let error = result.unwrap_err();
    (error.code(), error.message(super::super::Language::English).to_owned())
}

#[test]
fn defaults_are_the_clouds() {
    let create = create_with(&json!({})).unwrap();
    assert_eq!(create.images[0].text, "nginx");
    assert_eq!(create.images[0].reference.to_string(), "docker.io/library/nginx:latest");
    assert_eq!(create.image_cache_size, model::ByteSize::gib(20));
    assert_eq!(create.retention, Retention::Forever);
    assert!(!create.auto_create_eip && create.tags.is_empty() && create.image_cache_name.is_none());
    let Ok(Operation::DescribeImageCaches(all)) = read(OperationName::DescribeImageCaches, &json!({})) else {
        panic!("no listing")
    };
    assert_eq!((all.limit, all.offset, all.image_cache_ids), (20, 0, None));
}

#[test]
fn attributes_of_an_address_ask_for_one() {
    let create = create_with(&json!({"AutoCreateEipAttribute": {"DeletePolicy": ""}})).unwrap();
    assert!(create.auto_create_eip);
    let attribute = create.auto_create_eip_attribute.unwrap();
    assert_eq!(attribute.delete_policy, DeletePolicy::Release);
    assert_eq!(attribute.internet_service_provider, InternetServiceProvider::Bgp);
}

#[test]
fn a_server_may_be_an_address_of_dockers_configuration() {
    let credentials = json!({"ImageRegistryCredentials": [
        {"Server": "https://index.docker.io/v1/", "Username": "u", "Password": "p\u{e4}ss\nword"}, {"Name": "n"}]});
    let create = create_with(&credentials).unwrap();
    assert!(create.image_registry_credentials[0].server.as_ref().unwrap().is_docker_hub());
    assert_eq!(create.image_registry_credentials[0].password.expose(), "p\u{e4}ss\nword");
    assert_eq!(create.image_registry_credentials[1].server, None);
    let printed = format!("{create:?}");
    assert!(printed.contains("[redacted]") && !printed.contains("p\u{e4}ss"), "{printed}");
}

#[test]
fn values_are_refused_by_name() {
    for (more, name) in [
        (json!({"Images": []}), "Images"),
        (json!({"Images": [""]}), "Images.0"),
        (json!({"Images": ["nginx", "UPPER"]}), "Images.1"),
        (json!({"Images": ["oci:/etc"]}), "Images.0"),
        (json!({"Images": vec!["nginx"; 21]}), "Images"),
        (json!({"VpcId": ""}), "VpcId"),
        (json!({"SubnetId": "a\nb"}), "SubnetId"),
        (json!({"SubnetId": "a".repeat(129)}), "SubnetId"),
        (json!({"ImageCacheName": " not a name"}), "ImageCacheName"),
        (json!({"SecurityGroupIds": ["sg-1", ""]}), "SecurityGroupIds.1"),
        (json!({"ImageRegistryCredentials": [{"Server": "a b"}]}), "ImageRegistryCredentials.0.Server"),
        (json!({"ImageCacheSize": 19}), "ImageCacheSize"),
        (json!({"ImageCacheSize": 32_001}), "ImageCacheSize"),
        (json!({"RetentionDays": 3651}), "RetentionDays"),
        (json!({"RegistrySkipVerifyList": ["https://a.io"]}), "RegistrySkipVerifyList.0"),
        (json!({"RegistryHttpEndPointList": ["a.io/b"]}), "RegistryHttpEndPointList.0"),
        (json!({"ResolveConfig": "nameserver 4.4.4.4\u{0}"}), "ResolveConfig"),
        (json!({"Tags": [{"Key": ""}]}), "Tags.0.Key"),
        (json!({"Tags": [{"Key": "a"}, {"Key": "a", "Value": "b"}]}), "Tags.1.Key"),
        (json!({"Tags": (0..21).map(|n| json!({"Key": n.to_string()})).collect::<Vec<_>>()}), "Tags"),
        (
            json!({"AutoCreateEipAttribute": {"DeletePolicy": "", "InternetServiceProvider": "bgp"}}),
            "AutoCreateEipAttribute.InternetServiceProvider",
        ),
    ] {
        let (code, message) = refused(create_with(&more));
        assert_eq!(code, Code::InvalidParameterValue, "{more}");
        assert!(message.starts_with(&format!("Parameter `{name}` value error: ")), "{more}: {message}");
    }
}

#[test]
fn a_cache_has_a_name_of_any_words() {
    let create = create_with(&json!({"ImageCacheName": "Meine \u{955c}\u{50cf}"})).unwrap();
    assert_eq!(create.image_cache_name.unwrap().as_str(), "Meine \u{955c}\u{50cf}");
}

#[test]
fn an_address_is_the_callers_or_a_new_one() {
    for other in [json!({"AutoCreateEip": true}), json!({"AutoCreateEipAttribute": {"DeletePolicy": ""}})] {
        let mut both = other;
        both["ExistedEipId"] = json!("eip-1");
        assert_eq!(refused(create_with(&both)).0, Code::InvalidParameter);
    }
    assert!(create_with(&json!({"ExistedEipId": "eip-1", "AutoCreateEip": false})).is_ok());
}

#[test]
fn a_page_has_at_most_fifty_and_filters_are_known() {
    let describe = |parameters: &Value| read(OperationName::DescribeImageCaches, parameters);
    assert!(describe(&json!({"Limit": 50})).is_ok());
    assert_eq!(refused(describe(&json!({"Limit": 51}))).0, Code::InvalidParameter);
    assert_eq!(refused(describe(&json!({"Limit": u64::MAX}))).0, Code::InvalidParameter);
    let filter = |name: &str| json!({"Filters": [{"Name": name, "Values": ["a"]}]});
    assert!(describe(&filter("image-cache-name")).is_ok());
    assert_eq!(refused(describe(&filter("status"))).0, Code::InvalidParameterValue);
    let (code, message) = refused(describe(&json!({"Filters": [{"Name": "image-cache-name"}]})));
    assert_eq!(code, Code::MissingParameter);
    assert_eq!(message, "The request is missing a required parameter `Filters.0.Values`.");
}

/// A value of every wrong type for each parameter, and each required one left out.
#[test]
fn types_are_the_tables_and_required_ones_are_needed() {
    for operation in OperationName::ALL {
        for parameter in schema::of(operation) {
            for value in [json!("x"), json!(1), json!(-1), json!(1.5), json!(true), json!([1]), json!({})] {
                let fits = match parameter.kind {
                    schema::Kind::Text => value.is_string(),
                    schema::Kind::Whole => value.is_u64(),
                    schema::Kind::Flag => value.is_boolean(),
                    schema::Kind::Object(_) => value.is_object(),
                    schema::Kind::Texts | schema::Kind::Objects(_) => false,
                };
                let (code, message) = match read(operation, &json!({parameter.name: value.clone()})) {
                    Err(error) => refused(Err::<(), _>(error)),
                    Ok(_) => continue,
                };
                let is_type_error = code == Code::InvalidParameter && message.contains("type error");
                assert_eq!(is_type_error, !fits, "{operation:?} {}: {value}: {message}", parameter.name);
            }
            if parameter.required {
                let (code, message) = refused(read(operation, &json!({parameter.name: null})));
                assert_eq!(code, Code::MissingParameter);
                assert!(message.starts_with("The request is missing a required parameter `"), "{message}");
            }
        }
    }
}

#[test]
fn faults_are_found_in_order_names_types_missing_values() {
    let all = json!({"ImageCacheSize": 1, "Images": 1, "AggregationUnit": 1});
    let (code, message) = refused(read(OperationName::CreateImageCache, &all));
    assert_eq!(
        (code, message.as_str()),
        (Code::UnknownParameter, "The parameter `AggregationUnit` is not recognized.")
    );
    let (code, message) =
        refused(read(OperationName::CreateImageCache, &json!({"ImageCacheSize": 1, "Images": 1})));
    assert_eq!((code, message.as_str()), (Code::InvalidParameter, "Parameter `Images` type error."));
    let (code, message) =
        refused(read(OperationName::CreateImageCache, &json!({"ImageCacheSize": 1, "Images": ["a"]})));
    assert_eq!(
        (code, message.as_str()),
        (Code::MissingParameter, "The request is missing a required parameter `VpcId`.")
    );
    let nested = json!({"Tags": [{"Key": "a"}, {"Key": "b", "Colour": "c"}]});
    let (code, message) = refused(create_with(&nested));
    assert_eq!(
        (code, message.as_str()),
        (Code::UnknownParameter, "The parameter `Tags.1.Colour` is not recognized.")
    );
}

#[test]
fn a_query_is_the_same_flattened() {
    let tree = query::tree(
        "ImageCacheIds.1=imc-b&ImageCacheIds.0=imc-a&Filters.0.Name=image-cache-name&Filters.0.Values.0=x+y%2B%E4%B8%AD\
         &Limit=7&ImageCacheIds.10=k&ImageCacheIds.2=c",
    )
    .unwrap();
    assert_eq!(
        Value::Object(tree.clone()),
        json!({
            "ImageCacheIds": ["imc-a", "imc-b", "c", "k"],
            "Filters": [{"Name": "image-cache-name", "Values": ["x y+\u{4e2d}"]}],
            "Limit": "7",
        })
    );
    let Ok(Operation::DescribeImageCaches(describe)) =
        Operation::parse(OperationName::DescribeImageCaches, tree, Form::Text)
    else {
        panic!("no listing")
    };
    assert_eq!(describe.limit, 7);
    assert_eq!(describe.filters, [Filter::ImageCacheName(vec!["x y+\u{4e2d}".to_owned()])]);
}

#[test]
fn texts_of_a_query_are_read_by_type() {
    let create = |more: &str| {
        let query = format!("Images.0=a&VpcId=v&SubnetId=s&{more}");
        Operation::parse(OperationName::CreateImageCache, query::tree(&query)?, Form::Text)
    };
    for fine in ["AutoCreateEip=True", "AutoCreateEip=false", "ImageCacheSize=20", "ImageCacheName=", "&&"] {
        assert!(create(fine).is_ok(), "{fine}");
    }
    for wrong in [
        "AutoCreateEip=1",
        "AutoCreateEip=",
        "ImageCacheSize=+20",
        "ImageCacheSize=20.0",
        "ImageCacheSize=",
        "VpcId=w",
        "VpcId.0=w",
        "Images=b",
        "Tags.0=k",
        "Tags=k",
        "Tags.Key=k",
        "AutoCreateEipAttribute.0=a",
        "Tags.0.0.0.0.0.0.0=1",
        "ImageCacheName=%zz",
        "ImageCacheName=%ff",
        "ImageCacheName=%2",
    ] {
        let error = create(wrong).unwrap_err();
        assert!(matches!(error.code(), Code::InvalidParameter | Code::UnknownParameter), "{wrong}: {error}");
    }
}

#[test]
fn any_parameters_end() {
    bolero::check!().with_max_len(400).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let tree = query::tree(&text);
        for name in OperationName::ALL {
            if let Ok(tree) = &tree {
                let _ = Operation::parse(name, tree.clone(), Form::Text);
            }
            if let Ok(Value::Object(map)) = serde_json::from_slice(bytes) {
                let _ = Operation::parse(name, map, Form::Json);
            }
        }
    });
}
