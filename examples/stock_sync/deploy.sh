#!/bin/sh
# deploy.sh STORELINK_STACK APP_STACK: deploys the app with the outputs of Storelink's stack.
set -eu
storelink=$1 app=$2

output() {
  aws cloudformation describe-stacks --stack-name "$storelink" \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text
}

sam deploy --stack-name "$app" --resolve-s3 --capabilities CAPABILITY_IAM --parameter-overrides \
  StorelinkStack="$storelink" StorelinkLayerArn="$(output LayerArn)" StorelinkKeyArn="$(output EncryptionKeyArn)" \
  StorelinkBus="$(output EventBusName)"
