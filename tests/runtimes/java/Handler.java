// An event that comes back as it is, with what the environment told; {"fail": text} fails.
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    if (event.get("fail") instanceof String text) throw new IllegalStateException(text);
    return Map.of("event", event, "request", context.getAwsRequestId(), "arn", context.getInvokedFunctionArn(),
        "task_root", System.getenv("LAMBDA_TASK_ROOT"));
  }
}
