/* Runs an exported model with TensorFlow's C library and prints the first number that comes out.

   model_run FOLDER INPUT OUTPUT NUMBER...        INPUT and OUTPUT as "name" or "name:index"

   Exit codes: 0 it ran, 1 the library said no (its words on standard error), 2 wrong usage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static void ignore(void *data, size_t length, void *argument) { (void)data; (void)length; (void)argument; }

static int failed(const char *what, TF_Status *status) {
  if (TF_GetCode(status) == TF_OK) return 0;
  fprintf(stderr, "%s: %s\n", what, TF_Message(status));
  return 1;
}

static TF_Output place(TF_Graph *graph, char *name) {
  TF_Output found = {NULL, 0};
  char *colon = strrchr(name, ':');
  if (colon != NULL) {
    found.index = atoi(colon + 1);
    *colon = '\0';
  }
  found.oper = TF_GraphOperationByName(graph, name);
  if (found.oper == NULL) fprintf(stderr, "the model has no operation called %s\n", name);
  return found;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: model_run FOLDER INPUT OUTPUT NUMBER...\n");
    return 2;
  }
  int count = argc - 4;
  int64_t shape[2] = {1, count};
  float *row = malloc(sizeof(float) * (size_t)count);
  if (row == NULL) return 1;
  for (int i = 0; i < count; i++) row[i] = strtof(argv[4 + i], NULL);

  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (failed("loading the model", status)) return 1;
  TF_Output input = place(graph, argv[2]), output = place(graph, argv[3]);
  if (input.oper == NULL || output.oper == NULL) return 1;
  TF_Tensor *given = TF_NewTensor(TF_FLOAT, shape, 2, row, sizeof(float) * (size_t)count, ignore, NULL);
  TF_Tensor *made = NULL;
  TF_SessionRun(session, NULL, &input, &given, 1, &output, &made, 1, NULL, 0, NULL, status);
  if (failed("running the model", status)) return 1;
  fprintf(stderr, "TensorFlow %s\n", TF_Version());
  printf("%.9g\n", (double)((float *)TF_TensorData(made))[0]);
  TF_DeleteTensor(made);
  TF_DeleteTensor(given);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteGraph(graph);
  TF_DeleteSessionOptions(options);
  TF_DeleteStatus(status);
  free(row);
  return 0;
}
