#!/bin/bash
# Stores the DICOM files of a folder in an Orthanc of their own, over the network protocol, and asks
# for what it then has. In a network namespace, since Orthanc listens on every address.
#
#   unshare -rn bash in-orthanc.sh FILES WORK
#
# WORK gets a JSON list of instances, and of each a folder with what Orthanc shows of it.
set -eu
files=$1 work=$2 at=http://127.0.0.1:8042
ip link set lo up
cat > "$work/orthanc.json" <<JSON
{"Name": "TEST", "StorageDirectory": "$work/storage", "IndexDirectory": "$work/storage", "HttpPort": 8042,
 "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "DicomPort": 4242, "DicomAlwaysAllowStore": true}
JSON
Orthanc "$work/orthanc.json" > "$work/log" 2>&1 &
orthanc=$!
trap 'kill $orthanc; wait $orthanc || true' EXIT
for _ in $(seq 600); do
  curl -sf $at/system > /dev/null && break
  sleep 0.1
done
# -R proposes what the files need: the usual list lacks segmentations and reports.
storescu -R -aec ORTHANC 127.0.0.1 4242 +sd +r --scan-pattern '*.dcm' "$files" 2>&1 | tee "$work/storescu"
curl -sf "$at/instances" > "$work/instances.json"
for id in $(tr -d '[]," ' < "$work/instances.json"); do
  mkdir "$work/$id"
  curl -sf "$at/instances/$id/simplified-tags" > "$work/$id/tags.json"
  curl -sf "$at/instances/$id/preview" > "$work/$id/preview.png" || rm "$work/$id/preview.png"
  curl -sf "$at/instances/$id/content/0042-0011" > "$work/$id/report.pdf" || rm "$work/$id/report.pdf"
done
