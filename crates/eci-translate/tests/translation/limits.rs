//! The limits of the API, each just kept and just exceeded.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as corev1;

use crate::expectation::folders;
use crate::input::Case;

/// A case with one container, changed.
fn changed(change: impl FnOnce(&mut Case)) -> Case {
    let folder = folders("cases").into_iter().find(|folder| folder.ends_with("default-pod")).unwrap();
    let mut case = Case::read(&folder);
    change(&mut case);
    case
}

fn spec(case: &mut Case) -> &mut corev1::PodSpec {
    case.pod.spec.as_mut().unwrap()
}

fn container(case: &mut Case) -> &mut corev1::Container {
    &mut spec(case).containers[0]
}

/// Where it was refused; empty if it was not.
fn refused(change: impl FnOnce(&mut Case)) -> Vec<String> {
    let paths = |rejections: Vec<vk_core::Rejection>| rejections.into_iter().map(|it| it.path).collect();
    changed(change).translated().err().map(paths).unwrap_or_default()
}

const FINE: [String; 0] = [];

#[test]
fn twenty_containers_fit_and_one_more_does_not() {
    let copies = |mains: usize, inits: usize| {
        move |case: &mut Case| {
            let named =
                |name: String| corev1::Container { name, image: Some("x".to_owned()), ..Default::default() };
            spec(case).containers = (0..mains).map(|n| named(format!("main-{n}"))).collect();
            spec(case).init_containers = Some((0..inits).map(|n| named(format!("init-{n}"))).collect());
        }
    };
    assert_eq!(refused(copies(15, 5)), FINE);
    assert_eq!(refused(copies(15, 6)), ["spec.containers"]);
}

#[test]
fn twenty_volumes_fit_and_one_more_does_not() {
    let volumes = |count: usize| {
        move |case: &mut Case| {
            let empty_dir = |n| corev1::Volume {
                name: format!("dir-{n}"),
                empty_dir: Some(corev1::EmptyDirVolumeSource::default()),
                ..Default::default()
            };
            spec(case).volumes.get_or_insert_default().extend((1..count).map(empty_dir));
        }
    };
    assert_eq!(refused(volumes(20)), FINE);
    assert_eq!(refused(volumes(21)), ["spec.volumes"]);
}

#[test]
fn a_value_of_256_characters_fits_and_one_more_does_not() {
    let value = |chars: usize| {
        move |case: &mut Case| {
            let variable = corev1::EnvVar {
                name: "LONG".to_owned(),
                value: Some("é".repeat(chars)),
                ..Default::default()
            };
            container(case).env = Some(vec![variable]);
        }
    };
    assert_eq!(refused(value(256)), FINE);
    assert_eq!(refused(value(257)), ["spec.containers[0].env[0]"]);
}

#[test]
fn a_hundred_arguments_fit_and_one_more_does_not() {
    let args = |count: usize| move |case: &mut Case| container(case).args = Some(vec!["x".to_owned(); count]);
    assert_eq!(refused(args(100)), FINE);
    assert_eq!(refused(args(101)), ["spec.containers[0].args"]);
}

#[test]
fn too_many_variables_of_their_own_are_refused() {
    let variables = |count: usize| {
        move |case: &mut Case| {
            let variable = |n| corev1::EnvVar {
                name: format!("V{n}"),
                value: Some("x".to_owned()),
                ..Default::default()
            };
            case.inputs.services.clear();
            container(case).env = Some((0..count).map(variable).collect());
        }
    };
    assert_eq!(refused(variables(240)), FINE);
    assert_eq!(refused(variables(241)), ["spec.containers[0].env"]);
}

/// Adds services to the namespace, each with 7 variables.
fn with_services(count: usize) -> Case {
    changed(|case| {
        let service = |n| {
            let mut service = case.inputs.services[0].clone();
            service.metadata.name = Some(format!("svc-{n}"));
            service.spec.as_mut().unwrap().ports.as_mut().unwrap()[0].name = None;
            service
        };
        let services: Vec<_> = (0..count).map(service).collect();
        case.inputs.services.extend(services);
    })
}

#[test]
fn too_many_services_are_left_out_but_the_api_server_stays() {
    let variables = |case: &Case| {
        let translated = case.translated().unwrap();
        (translated.request.container[0].environment_var.len(), translated.ignored)
    };
    // 8 of the API server, 7 of each other service: 240 are 8 and 33 times 7, and one short.
    assert_eq!(variables(&with_services(33)), (239, vec![]));
    let (count, ignored) = variables(&with_services(34));
    assert_eq!(count, 8);
    assert_eq!(ignored.len(), 1);
    assert!(ignored[0].contains("spec.containers[0] variables of services"), "{ignored:?}");
}

/// A pod with a ConfigMap of these bytes in each file of a volume of its own.
fn with_files(case: &mut Case, sizes: &[usize]) {
    for (index, size) in sizes.iter().enumerate() {
        let name = format!("files-{index}");
        let mut config_map = corev1::ConfigMap::default();
        config_map.metadata.name = Some(name.clone());
        config_map.binary_data = Some([("file".to_owned(), ByteString(vec![0; *size]))].into());
        case.inputs.config_maps.insert(name.clone(), config_map);
        let source = corev1::ConfigMapVolumeSource { name: name.clone(), ..Default::default() };
        let volume = corev1::Volume { name, config_map: Some(source), ..Default::default() };
        spec(case).volumes.get_or_insert_default().push(volume);
    }
}

#[test]
fn a_file_of_32_kilobytes_fits_and_one_byte_more_does_not() {
    assert_eq!(refused(|case| with_files(case, &[32 * 1024])), FINE);
    assert_eq!(refused(|case| with_files(case, &[32 * 1024 + 1])), ["spec.volumes[1].configMap"]);
}

#[test]
fn files_of_60_kilobytes_together_fit_and_one_byte_more_does_not() {
    let token_and_namespace_and_certificate = changed(|_| {}).translated().unwrap().request.volume[0]
        .config_file_volume
        .as_ref()
        .unwrap()
        .config_file_to_path
        .iter()
        .map(|file| base64_len(file.content.expose()))
        .sum::<usize>();
    let rest = 60 * 1024 - 30 * 1024 - token_and_namespace_and_certificate;
    assert_eq!(refused(|case| with_files(case, &[30 * 1024, rest])), FINE);
    assert_eq!(refused(|case| with_files(case, &[30 * 1024, rest + 1])), ["spec.volumes"]);
}

fn base64_len(text: &str) -> usize {
    text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count()
}

#[test]
fn ninety_files_fit_and_one_more_does_not() {
    let files = |count: usize| {
        move |case: &mut Case| {
            with_files(case, &[1]);
            let config_map = case.inputs.config_maps.get_mut("files-0").unwrap();
            config_map.binary_data = None;
            config_map.data = Some((0..count).map(|n| (format!("f{n}"), String::new())).collect());
        }
    };
    assert_eq!(refused(files(90)), FINE);
    assert_eq!(refused(files(91)), ["spec.volumes[1].configMap"]);
}

#[test]
fn content_of_every_length_arrives_whole() {
    for length in 0..8 {
        let bytes: Vec<u8> = (0..length).map(|n| 248 + n).collect();
        let case = changed(|case| {
            with_files(case, &[0]);
            let config_map = case.inputs.config_maps.get_mut("files-0").unwrap();
            config_map.binary_data.as_mut().unwrap().get_mut("file").unwrap().0 = bytes.clone();
        });
        let request = case.translated().unwrap().request;
        let content =
            request.volume[1].config_file_volume.as_ref().unwrap().config_file_to_path[0].content.clone();
        use base64::Engine as _;
        let decoded = base64::engine::general_purpose::STANDARD.decode(content.expose()).unwrap();
        assert_eq!(decoded, bytes);
    }
}

#[test]
fn beyond_ten_registries_only_those_of_the_images_are_kept() {
    let registries = |count: usize, image: &str| {
        let image = image.to_owned();
        changed(move |case| {
            let auths: Vec<String> = (0..count)
                .map(|n| format!(r#""r{n}.example.com":{{"username":"u","password":"p"}}"#))
                .collect();
            let config = format!(r#"{{"auths":{{{}}}}}"#, auths.join(","));
            let secret = corev1::Secret {
                type_: Some("kubernetes.io/dockerconfigjson".to_owned()),
                data: Some([(".dockerconfigjson".to_owned(), ByteString(config.into_bytes()))].into()),
                ..Default::default()
            };
            case.inputs.secrets.insert("pull".to_owned(), secret);
            spec(case).image_pull_secrets =
                Some(vec![corev1::LocalObjectReference { name: "pull".to_owned() }]);
            container(case).image = Some(image);
        })
    };
    let sent = |case: Case| {
        let translated = case.translated().unwrap();
        let servers = translated.request.image_registry_credential.into_iter().map(|it| it.server);
        (servers.collect::<Vec<_>>(), translated.ignored.len())
    };
    assert_eq!(sent(registries(10, "nginx")).0.len(), 10);
    assert_eq!(sent(registries(11, "r3.example.com/app:1")), (vec!["r3.example.com".to_owned()], 1));
}

#[test]
fn ephemeral_storage_beyond_the_free_30_gib_is_bought_up_to_5000() {
    let request = |quantity: &str| {
        let quantity = quantity.to_owned();
        move |case: &mut Case| {
            let requests = [(
                "ephemeral-storage".to_owned(),
                k8s_openapi::apimachinery::pkg::api::resource::Quantity(quantity),
            )];
            container(case).resources =
                Some(corev1::ResourceRequirements { requests: Some(requests.into()), ..Default::default() });
        }
    };
    let bought = |quantity| changed(request(quantity)).translated().unwrap().request.ephemeral_storage;
    assert_eq!(bought("30Gi"), None);
    assert_eq!(bought("31G"), None);
    assert_eq!(bought("30721Mi"), Some(1));
    assert_eq!(bought("5030Gi"), Some(5000));
    assert_eq!(refused(request("5031Gi")), ["spec.containers"]);
    assert_eq!(refused(request("much")), ["spec.containers[0].resources.requests[ephemeral-storage]"]);
}
