// An event that comes back as it is, with what the environment told; {"fail": text} fails.
use lambda_runtime::{service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Some(text) = event.payload["fail"].as_str() {
        return Err(text.to_string().into());
    }
    let root = std::env::var("LAMBDA_TASK_ROOT").unwrap_or_default();
    let about = &event.context;
    Ok(json!({"event": event.payload, "request": about.request_id, "arn": about.invoked_function_arn, "task_root": root}))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}
