"""What is deployed: CloudFormation fragments that serverless.yml includes, and the making of the package for Lambda."""
