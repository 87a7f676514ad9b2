// An event that comes back as it is, with what the environment told; {"fail": text} fails.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, event map[string]any) (map[string]any, error) {
	if text, ok := event["fail"].(string); ok {
		return nil, errors.New(text)
	}
	about, _ := lambdacontext.FromContext(ctx)
	return map[string]any{"event": event, "request": about.AwsRequestID, "arn": about.InvokedFunctionArn, "task_root": os.Getenv("LAMBDA_TASK_ROOT")}, nil
}

func main() { lambda.Start(handle) }
